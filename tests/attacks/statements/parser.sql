# Text that is meant to be read in two ways.

-- a NUL byte
-- alone
-- open: untried the plain program's own interface refuses it
-- held: error Permission Error
select 1{nul}; select * from read_text('/etc/passwd')

-- a statement after a comment that is not closed
-- alone
-- open: error
-- held: error Parser Error
select 1 /* ; select * from read_text('/etc/passwd')

-- a comment inside a word
-- open: error
-- held: error Parser Error
sel/**/ect * from read_text('{dir}/secret.txt')

-- comments between words
-- open: shows
-- held: error Permission Error
select/**/*/**/from/**/read_text/**/('{dir}/secret.txt')

-- nested comments
-- open: shows
-- held: error Permission Error
select /* a /* b */ c */ * from read_text('{dir}/secret.txt')

-- a no-break space
-- open: shows
-- held: error Permission Error
select * from read_text('{dir}/secret.txt')

-- an ideographic space
-- open: shows
-- held: error Permission Error
select　*　from　read_text('{dir}/secret.txt')

-- a quoted name
-- open: shows
-- held: error Permission Error
select * from "read_text"('{dir}/secret.txt')

-- a qualified name
-- open: shows
-- held: error Permission Error
select * from system.main.read_text('{dir}/secret.txt')

-- capital letters
-- open: shows
-- held: error Permission Error
SELECT * FROM ReAd_TeXt('{dir}/secret.txt')

-- a dollar quote
-- open: shows
-- held: error Permission Error
select * from read_text($${dir}/secret.txt$$)

-- a tagged dollar quote
-- open: shows
-- held: error Permission Error
select * from read_text($x${dir}/secret.txt$x$)

-- an escape string
-- open: shows
-- held: error Permission Error
select * from read_text(e'{dir}/s\145cret.txt')

-- a string in two pieces
-- open: error
-- held: error Parser Error
select * from read_text('{dir}/sec' 'ret.txt')

-- full-width letters
-- open: error
-- held: error Parser Error
ｓｅｌｅｃｔ * from read_text('{dir}/secret.txt')

-- a semicolon in a string
-- open: shows
-- held: error Permission Error
select ';', content from read_text('{dir}/secret.txt')

-- a quote that is not closed
-- alone
-- open: error
-- held: error Parser Error
select 'x; select * from read_text('/etc/passwd')

-- a dollar quote that is not closed
-- alone
-- open: error
-- held: error Parser Error
select $$x; select * from read_text('/etc/passwd')

-- a byte order mark
-- open: untried the parser's answer depends on the version
-- held: error Permission Error
﻿select * from read_text('{dir}/secret.txt')

-- text that runs backwards
-- open: done
-- held: error Permission Error
select * from read_text('‮txt.terces/{dir}')

-- a parenthesis that closes too early
-- alone
-- open: untried the plain program wraps what it is given
-- held: error Parser Error
select 1) as answer; select * from read_text('/etc/passwd'); select * from (select 1

-- an error that quotes a row
-- open: error
-- held: error Invalid Input Error
select error(b) from t

-- ten thousand columns
-- alone
-- open: untried it is slow
-- held: killed output
select {columns}

-- brackets within brackets
-- alone
-- open: error
-- held: error Parser Error
select {brackets}

-- functions within functions
-- alone
-- open: error
-- held: error Parser Error
select {calls}

-- a long chain of operators
-- alone
-- open: untried an unprotected engine may overflow its stack
-- held: error Parser Error
select {sums}

-- a long chain of unions
-- alone
-- open: untried it is slow
-- held: truncated, error, killed memory, killed time
{unions}

-- a long list of values
-- alone
-- open: done
-- held: harmless it is under the length of a statement
select count(*) from (values {values})

-- a very long name
-- alone
-- open: rows
-- held: harmless it is under the length of a statement
select 1 as "{name}"

-- a very long literal
-- alone
-- open: rows
-- held: killed output
select '{name}{name}' as s
