//! The engine's type names, as it writes them itself.

use duckdb::core::{LogicalTypeHandle, LogicalTypeId};

/// Whether values travel as signed 128 bits and mean unsigned ones.
pub(super) fn is_unsigned_huge(of: &LogicalTypeHandle) -> bool {
    of.id() == LogicalTypeId::UHugeint
}

pub(super) fn name(of: &LogicalTypeHandle) -> String {
    let plain = match of.id() {
        LogicalTypeId::Boolean => "BOOLEAN",
        LogicalTypeId::Tinyint => "TINYINT",
        LogicalTypeId::Smallint => "SMALLINT",
        LogicalTypeId::Integer => "INTEGER",
        LogicalTypeId::Bigint => "BIGINT",
        LogicalTypeId::UTinyint => "UTINYINT",
        LogicalTypeId::USmallint => "USMALLINT",
        LogicalTypeId::UInteger => "UINTEGER",
        LogicalTypeId::UBigint => "UBIGINT",
        LogicalTypeId::Hugeint => "HUGEINT",
        LogicalTypeId::UHugeint => "UHUGEINT",
        LogicalTypeId::Float => "FLOAT",
        LogicalTypeId::Double => "DOUBLE",
        LogicalTypeId::Date => "DATE",
        LogicalTypeId::Time => "TIME",
        LogicalTypeId::TimeTZ => "TIME WITH TIME ZONE",
        LogicalTypeId::TimeNs => "TIME_NS",
        LogicalTypeId::Timestamp => "TIMESTAMP",
        LogicalTypeId::TimestampS => "TIMESTAMP_S",
        LogicalTypeId::TimestampMs => "TIMESTAMP_MS",
        LogicalTypeId::TimestampNs => "TIMESTAMP_NS",
        LogicalTypeId::TimestampTZ => "TIMESTAMP WITH TIME ZONE",
        LogicalTypeId::Interval => "INTERVAL",
        LogicalTypeId::Varchar => "VARCHAR",
        LogicalTypeId::Blob => "BLOB",
        LogicalTypeId::Bit => "BIT",
        LogicalTypeId::Uuid => "UUID",
        LogicalTypeId::Bignum => "BIGNUM",
        LogicalTypeId::Enum => "ENUM",
        LogicalTypeId::Union => "UNION",
        LogicalTypeId::SqlNull => "NULL",
        LogicalTypeId::Geometry => "GEOMETRY",
        LogicalTypeId::Decimal => {
            return format!("DECIMAL({},{})", of.decimal_width(), of.decimal_scale());
        }
        LogicalTypeId::List => return format!("{}[]", child(of, 0)),
        LogicalTypeId::Array => return format!("{}[]", child(of, 0)),
        LogicalTypeId::Map => return format!("MAP({}, {})", child(of, 0), child(of, 1)),
        LogicalTypeId::Struct => {
            let fields: Vec<String> = (0..of.num_children())
                .map(|index| {
                    let field = of.try_child_name(index).unwrap_or_default();
                    format!("{} {}", crate::quote::name(&field), child(of, index))
                })
                .collect();
            return format!("STRUCT({})", fields.join(", "));
        }
        // The engine may know more types than its library.
        _ => "UNKNOWN",
    };
    plain.to_owned()
}

fn child(of: &LogicalTypeHandle, index: usize) -> String {
    if index < of.num_children() {
        name(&of.child(index))
    } else {
        "UNKNOWN".to_owned()
    }
}
