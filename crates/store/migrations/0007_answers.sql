-- What people have judged so far of the pairs of a clerical review, so that a day's work is not lost. Numbers of
-- pairs and words of a closed list; what counts is handed in, with its leaf.
create table answers (
  indexing text not null,
  person text not null,
  json text not null,
  primary key (indexing, person)
) strict, without rowid;
