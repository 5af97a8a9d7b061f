//! `cargo run --bin seeds`, in `fuzz/`: writes `corpus/from_worker` and `corpus/from_keeper`.

#[path = "../../crates/protocol/tests/fuzz/seeds.rs"]
mod seeds;

fn main() -> std::io::Result<()> {
    for (target, all) in [
        ("from_worker", seeds::from_worker()),
        ("from_keeper", seeds::from_keeper()),
    ] {
        let folder = std::path::Path::new("corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        for (number, bytes) in all.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), bytes)?;
        }
    }
    Ok(())
}
