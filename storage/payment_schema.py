"""The migration that adds payments in Telegram Stars; a step of `storage/schema.py`."""

from __future__ import annotations

PAYMENTS = """
-- Payments in Telegram Stars. Of a payer whose data was deleted the charge, the sums and the times stay.
create table payment (
    charge_id text primary key,          -- Telegram's; each is credited once
    user_id integer references user (id) on delete set null,
    stars integer not null,
    tokens integer not null,             -- credited; 0: nobody could tell what was bought
    payload text not null,               -- the pack, as its invoice named it
    state text not null default 'paid' check (state in ('paid', 'refunding', 'refunded')),
    taken_back integer not null default 0,  -- tokens, by a refund
    renews integer not null default 0,   -- a subscription that goes on after `until`
    until integer,                       -- of a subscription: the end of the paid month
    paid_at integer not null,
    refunded_at integer
) strict;
create index payment_of_user on payment (user_id, paid_at);

alter table user add column bought integer not null default 0;       -- the part of the balance that was bought
alter table forgotten add column bought integer not null default 0;
-- Free tokens are spent first.
create trigger bought_is_spent after update of balance on user when new.bought > max(0, new.balance) begin
    update user set bought = max(0, new.balance) where id = new.id;
end;
"""
