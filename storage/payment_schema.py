"""The migrations of payments in Telegram Stars; steps of `storage/schema.py`."""

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

BALANCES = """
alter table call add column bought integer not null default 0;         -- of `charged`: was paid in bought tokens
alter table payment add column bought_back integer not null default 0; -- of `taken_back`: were bought tokens
alter table payment add column subscription text;                      -- of a month: the charge of the first one
update payment set bought_back = taken_back;
update payment set subscription = coalesce((select first.charge_id from payment as first
    where first.user_id = payment.user_id and first.payload = payment.payload and first.until is not null
    order by first.rowid limit 1), charge_id) where until is not null;
create index month_of_subscription on payment (subscription) where subscription is not null;

drop trigger call_ends;
create trigger call_ends after update of state on call when old.state = 'asked' begin
    update call set bought = (select min(user.bought, max(0, new.charged - max(0, user.balance - user.bought)))
        from user where user.id = new.user_id)
        where id = new.id and exists (select 1 from user where user.id = new.user_id and user.bought > 0);
    update user set reserved = reserved - new.reserved, balance = balance - new.charged, spent = spent + new.charged,
        requests = requests + (new.state = 'settled'),
        last_request_at = iif(new.state = 'settled', new.ended_at, last_request_at)
        where id = new.user_id;
    update session set reserved = reserved - new.reserved, spent = spent + new.charged where id = new.session_id;
    update budget set reserved = reserved - new.reserved,
        spent = spent + iif(new.state = 'settled', new.price, 0)
        where period = new.period;
end;
"""
