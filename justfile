# One-line recipes over `cargo xtask`; `just` itself is a convenience.

# List the recipes
default:
    @just --list

# Fetch the prebuilt DuckDB and say what this machine lacks
setup:
    cargo xtask setup

# Formatting and lints, no tests
check:
    cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings

# Everything that must hold before a change is shared
test *ARGS:
    cargo xtask test {{ARGS}}

# The whole journey on a generated population
demo *ARGS:
    cargo xtask demo {{ARGS}}

# The whole journey on real hospital encounters (README.md says which)
strack FILE:
    cargo xtask demo --strack {{FILE}}

# CPU, wall time and peak memory of each step
bench *ARGS:
    cargo xtask bench journey {{ARGS}}

# Write the generated pages of docs/reference/ again
docs:
    cargo xtask docs

# Format every crate
fmt:
    cargo xtask fmt

# What the build server runs
ci:
    .ci/run
