"""Migrations of what users show to others: cards that are sent into other chats."""

from __future__ import annotations

SHARE_CARDS = """
-- The token of the link in a card that its user's inline query has listed. The link counts as shared, and becomes
-- `share_token`, once the card is chosen or the link is followed.
alter table story add column offered_token text;
create unique index story_of_offer on story (offered_token) where offered_token is not null;
-- Whoever has it may take a copy of the character.
alter table character add column share_token text;
create unique index character_of_token on character (share_token) where share_token is not null;
"""
