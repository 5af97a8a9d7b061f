-- A controller's list finds what it signed by a tie, instead of passing by everything that it has yet to sign.
insert into ties (who, tie, kind, state, since_us, id)
select a.who, 'signed', a.kind, a.state, a.since_us, a.id from ties a
where a.tie = 'asks' and a.kind = 'project' and a.state = 'submitted' and not exists (
  select 1 from ties u
  where u.kind = a.kind and u.id = a.id and u.tie = 'unsigned' and u.who = a.who);
