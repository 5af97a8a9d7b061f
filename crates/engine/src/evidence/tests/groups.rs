//! Tables of groups with totals, windows and selects around them, and rows that are one person's taken together.

use super::ordinary::traced;

#[test]
fn groups_of_groups() {
    traced(&[
        (
            "select race, urgent, count(*) as n from admissions where race is not null group by rollup (race, urgent) order by race, urgent",
            &[
                "A,false|n=33",
                "A,true|n=34",
                "A,-|n=67",
                "B,false|n=34",
                "B,true|n=33",
                "B,-|n=67",
                "-,-|n=134",
            ],
        ),
        (
            "select coalesce(race, 'unknown') as r, grouping(coalesce(race, 'unknown')) as total, count(*) as n from admissions group by rollup (1) order by n",
            &["unknown|n=66", "A|n=67", "B|n=67", "-|n=200"],
        ),
        (
            "select race, urgent, count(*) as n from admissions group by grouping sets ((race), (urgent), ()) order by all",
            &[
                "A,-|n=67",
                "B,-|n=67",
                "-,false|n=100",
                "-,true|n=100",
                "-,-|n=66",
                "-,-|n=200",
            ],
        ),
        (
            "select race, round(100.0 * count(*) / sum(count(*)) over (), 1) as pct, rank() over (order by count(*) desc, race) as place from admissions group by race order by place",
            &[
                "A|pct=67",
                "A|place=67",
                "B|pct=67",
                "B|place=67",
                "-|pct=66",
                "-|place=66",
            ],
        ),
        (
            "select ward, count(*) as n from admissions group by ward qualify row_number() over (order by count(*) desc, ward) <= 2 order by ward limit 2",
            &[
                "0|n=20", "1|n=20", "2|n=20", "3|n=20", "4|n=20", "5|n=20", "6|n=20", "7|n=20",
                "8|n=20", "9|n=20",
            ],
        ),
        (
            "with t as (select race, urgent, count(*) as n from admissions where race is not null group by 1, 2) select urgent, race as r, n, 100.0 * n / sum(n) over (partition by race) as pct from t where n > 0 order by 2, 1",
            &[
                "A,false|n=33",
                "A,false|pct=33",
                "A,true|n=34",
                "A,true|pct=34",
                "B,false|n=34",
                "B,false|pct=34",
                "B,true|n=33",
                "B,true|pct=33",
            ],
        ),
        (
            "select * from (select race, count(*) as n from admissions group by race) x where x.race is not null order by n desc, race limit 5",
            &["A|n=67", "B|n=67", "-|n=66"],
        ),
        ("select distinct race from admissions order by 1", &[]),
        (
            "select distinct race, count(*) as n from admissions group by race order by 1",
            &["A|n=67", "B|n=67", "-|n=66"],
        ),
    ]);
}

#[test]
fn one_persons_rows_taken_together() {
    traced(&[
        (
            "select stays, count(*) as n from (select person, count(*) as stays from admissions group by person) t group by stays",
            &["2|n=200"],
        ),
        (
            "with p as (select person, max(cost) as most, any_value(race) as race from admissions group by 1 having count(*) > 1) select race, avg(most) as c, count(*) as n from p group by race order by race",
            &["A|c=67", "A|n=67", "B|c=67", "B|n=67", "-|c=66", "-|n=66"],
        ),
        (
            "select race, count(*) as n from (select distinct person, race from admissions) group by 1 order by 1",
            &["A|n=67", "B|n=67", "-|n=66"],
        ),
        (
            "select race, count(*) as n from (select distinct on (person) * from admissions order by person, event) group by 1 order by 1",
            &["A|n=67", "B|n=67", "-|n=66"],
        ),
        (
            "with e as (select person, event from admissions union all select person, event from outcomes) select count(distinct person) as n from e",
            &["|n=200"],
        ),
        (
            "select count(*) as n from (select person from admissions where urgent intersect select person from outcomes where readmitted = '<30')",
            &["|n=20"],
        ),
        (
            "select count(*) as n from admissions where person in (select person from outcomes where readmitted = '<30') and ward in (select ward from wards where site = 'ward 0')",
            &["|n=20"],
        ),
        (
            "select count(distinct person) as n from admissions a where not exists (select 1 from outcomes o where o.person = a.person and o.readmitted = '<30')",
            &["|n=160"],
        ),
        (
            "select count(*) as n from admissions where person not in (select person from outcomes where readmitted = '<30')",
            &["|n=160"],
        ),
    ]);
}
