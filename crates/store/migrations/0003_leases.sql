-- Who runs a job and until when they must say so again. A row grants nothing: what may run is in `states`.
create table leases (
  job text primary key,
  desk text not null,
  holder text not null,
  until_us integer not null
) strict;
