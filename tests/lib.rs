//! Empty: the tests of the whole house are one program, `main.rs`.
