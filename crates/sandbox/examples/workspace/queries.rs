//! Tables and queries in the manner of TPC-H (www.tpc.org/tpch): line items, orders and customers, and the
//! shapes of its queries 1, 3, 4, 5, 6, 12, 13, 14, 18 and 22. The data follow from row numbers; the
//! figures are for comparing two ways of running them, and are no TPC results.

use std::path::Path;

/// Statements that make the database.
pub(crate) fn tables(database: &Path) -> Vec<String> {
    let random = |salt: u32, most: u32| format!("(hash(range * 31 + {salt}) % {most})");
    vec![
        format!("attach '{}' as made", database.display()),
        format!(
            "create table made.lineitem as select (range // 4)::bigint as orderkey, {}::integer as partkey, \
             {}::integer as quantity, ({} / 100)::decimal(12, 2) as price, ({} / 100)::decimal(4, 2) as discount, \
             ['A', 'N', 'R'][1 + {}::bigint] as flag, ['O', 'F'][1 + {}::bigint] as status, \
             date '1992-01-01' + {}::integer as shipped, ['MAIL', 'SHIP', 'AIR', 'RAIL', 'TRUCK'][1 + {}::bigint] as mode \
             from range(3000000)",
            random(1, 100_000),
            random(2, 50),
            random(3, 9_000_000),
            random(4, 10),
            random(5, 3),
            random(6, 2),
            random(7, 2_500),
            random(8, 5)
        ),
        format!(
            "create table made.orders as select range as orderkey, {}::integer as custkey, \
             date '1992-01-01' + {}::integer as ordered, ['1-URGENT', '2-HIGH', '3-MEDIUM', '5-LOW'][1 + {}::bigint] as priority, \
             'comment ' || case when {} = 0 then 'special requests' else 'of the order' end as remark from range(750000)",
            random(9, 75_000),
            random(10, 2_400),
            random(11, 4),
            random(12, 50)
        ),
        format!(
            "create table made.customer as select range::integer as custkey, ['BUILDING', 'AUTOMOBILE', 'MACHINERY'][1 + {}::bigint] as segment, \
             {}::integer as nation, ({} / 100)::decimal(12, 2) as balance, lpad({}::varchar, 10, '0') as phone from range(75000)",
            random(13, 3),
            random(14, 25),
            random(15, 1_000_000),
            random(16, 1_000_000_000)
        ),
        "detach made".into(),
    ]
}

pub(crate) const ALL: [(&str, &str); 10] = [
    (
        "pricing summary (1)",
        "select flag, status, sum(quantity) as q, sum(price) as p, sum(price * (1 - discount)) as d, avg(quantity) as a, count(*) as n from lineitem where shipped <= date '1998-09-02' group by flag, status order by flag, status",
    ),
    (
        "shipping priority (3)",
        "select l.orderkey, sum(price * (1 - discount)) as revenue, ordered from customer c join orders o using (custkey) join lineitem l using (orderkey) where segment = 'BUILDING' and ordered < date '1995-03-15' and shipped > date '1995-03-15' group by all order by revenue desc, l.orderkey limit 10",
    ),
    (
        "order priority (4)",
        "select priority, count(*) as n from orders o where ordered between date '1993-07-01' and date '1993-10-01' and exists (select 1 from lineitem l where l.orderkey = o.orderkey and shipped > ordered) group by priority order by priority",
    ),
    (
        "volume by nation (5)",
        "select nation, sum(price * (1 - discount)) as revenue from customer join orders using (custkey) join lineitem using (orderkey) where ordered between date '1994-01-01' and date '1995-01-01' group by nation order by revenue desc",
    ),
    (
        "forecast (6)",
        "select sum(price * discount) as revenue from lineitem where shipped between date '1994-01-01' and date '1995-01-01' and discount between 0.05 and 0.07 and quantity < 24",
    ),
    (
        "shipping modes (12)",
        "select mode, count(*) filter (where priority in ('1-URGENT', '2-HIGH')) as high, count(*) as n from orders join lineitem using (orderkey) where mode in ('MAIL', 'SHIP') and shipped between date '1994-01-01' and date '1995-01-01' group by mode order by mode",
    ),
    (
        "distribution (13)",
        "select n, count(*) as customers from (select c.custkey, count(orderkey) as n from customer c left join orders o on c.custkey = o.custkey and remark not like '%special%requests%' group by c.custkey) group by n order by customers desc, n desc",
    ),
    (
        "promotion (14)",
        "select 100.0 * sum(case when mode like 'AIR%' then price * (1 - discount) else 0 end) / sum(price * (1 - discount)) as share from lineitem where shipped between date '1995-09-01' and date '1995-10-01'",
    ),
    (
        "large volume (18)",
        "select custkey, orderkey, sum(quantity) as q from orders join lineitem using (orderkey) where orderkey in (select orderkey from lineitem group by orderkey having sum(quantity) > 170) group by all order by q desc, orderkey limit 100",
    ),
    (
        "windows",
        "select max(r) as r, max(m) as m from (select rank() over (partition by custkey order by ordered) as r, avg(orderkey) over (partition by custkey order by ordered rows 3 preceding) as m from orders)",
    ),
];
