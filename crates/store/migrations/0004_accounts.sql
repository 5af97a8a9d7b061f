-- What was learnt of people under differential privacy: one row an account, moved only in the transaction that
-- writes the leaf of a measurement. The leaves alone give the same numbers; where they differ, the leaves hold.
-- Rho in billionths, delta in units of 10^-18.
create table accounts (
  account text primary key,
  budget text not null,
  held_nano_rho integer not null check (held_nano_rho >= 0),
  held_atto_delta integer not null check (held_atto_delta >= 0),
  spent_nano_rho integer not null check (spent_nano_rho >= 0),
  spent_atto_delta integer not null check (spent_atto_delta >= 0),
  leaf integer not null references leaves (idx)
) strict, without rowid;
create index accounts_by_budget on accounts (budget, account);

create trigger spent_stays_spent before update on accounts
when new.spent_nano_rho < old.spent_nano_rho or new.spent_atto_delta < old.spent_atto_delta
begin select raise(abort, 'what is spent stays spent'); end;
