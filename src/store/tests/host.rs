//! The host's SQLite behaves as the object's does: as doubles, as limits, as refusals.

use crate::store::fixtures::shard;
use crate::store::sql::{exact_number, value_of_number};
use crate::store::{Error, MAX_VALUE_BYTES, Sql, Value};

fn first(text: &'static str, params: &[Value]) -> Result<String, Error> {
    let rows = shard().query(text, params)?;
    rows[0].text("a").map(str::to_owned)
}

fn message(refused: Result<impl std::fmt::Debug, Error>) -> String {
    refused.unwrap_err().to_string()
}

#[test]
fn a_bound_number_is_a_double() {
    assert_eq!(
        first("SELECT typeof(?1) AS a", &[5_u32.into()]).as_deref(),
        Ok("real")
    );
    assert_eq!(
        first("SELECT '' || CAST(?1 AS INTEGER) AS a", &[5_u32.into()]).as_deref(),
        Ok("5")
    );
    assert_eq!(
        first("SELECT '' || ?1 AS a", &[5_u32.into()]).as_deref(),
        Ok("5.0")
    );
}

#[test]
fn integers_are_exact_or_refused() {
    let most = 1_i64 << 53;
    assert_eq!(
        value_of_number(exact_number(most).unwrap()),
        Ok(Value::Integer(most))
    );
    assert_eq!(exact_number(most + 1), Err(Error::Inexact(most + 1)));
    assert_eq!(exact_number(i64::MIN), Err(Error::Inexact(i64::MIN)));
    for number in [0.5, f64::NAN, f64::INFINITY, 1e300] {
        assert!(value_of_number(number).is_err(), "{number}");
    }
}

#[test]
fn parameters_must_match() {
    let sql = shard();
    for params in [vec![], vec![Value::Null, Value::Null]] {
        let refused = message(sql.query("SELECT ?1 AS a", &params));
        assert!(refused.contains("for 1 in"), "{refused}");
    }
}

#[test]
fn what_the_object_refuses_is_refused() {
    let sql = shard();
    for text in [
        "BEGIN",
        " savepoint a",
        "PRAGMA user_version",
        "VACUUM",
        "SELECT \"a\" AS a",
    ] {
        assert!(sql.query(text, &[]).is_err(), "{text}");
    }
    assert!(sql.query("SELECT 1 AS a; SELECT 2 AS a", &[]).is_err());
    let like = format!("{}%", "x".repeat(50));
    assert!(sql.query("SELECT 'a' LIKE ?1 AS a", &[like.into()]).is_err());
    let large = "x".repeat(MAX_VALUE_BYTES + 1);
    assert!(sql.query("SELECT ?1 AS a", &[large.into()]).is_err());
}

#[test]
fn tables_refuse_values_of_the_wrong_type() {
    let sql = shard();
    let insert = "INSERT INTO suppression (hash, reason, at) VALUES ('h', 'r', ?1)";
    assert!(sql.query(insert, &["soon".into()]).is_err());
    assert!(sql.query(insert, &[Value::Null]).is_err());
    assert!(sql.query(insert, &[7_u32.into()]).is_ok());
}

#[test]
fn an_error_names_its_column() {
    let sql = shard();
    let rows = sql
        .query("SELECT 'x' AS a, NULL AS b, -1 AS c, x'00' AS d", &[])
        .unwrap();
    let row = &rows[0];
    for (read, expected) in [
        (message(row.integer("a")), "column `a`: is not an integer"),
        (message(row.text("b")), "column `b`: is null"),
        (message(row.text("z")), "column `z`: is not in the answer"),
        (message(row.text("d")), "column `d`: is not text"),
        (message(row.blob("a")), "column `a`: is not a blob"),
    ] {
        assert_eq!(read, expected);
    }
    assert!(message(row.count("c")).starts_with("column `c`:"));
    assert!(message(row.json::<u8>("a")).starts_with("column `a`:"));
    assert_eq!((row.opt_text("b"), row.opt_integer("b")), (Ok(None), Ok(None)));
    assert_eq!(row.blob("d"), Ok([0_u8].as_slice()));
}

#[test]
fn a_file_keeps_what_was_written() {
    use crate::store::migrate::{SHARD, migrate};
    use crate::store::rusqlite::Sqlite;
    let path = std::env::temp_dir().join(format!("wend-store-test-{}.sqlite", std::process::id()));
    {
        let sql = Sqlite::open(&path).unwrap();
        assert!(migrate(&sql, &SHARD).unwrap() > 1);
    }
    assert_eq!(migrate(&Sqlite::open(&path).unwrap(), &SHARD), Ok(0));
    std::fs::remove_file(&path).unwrap();
}
