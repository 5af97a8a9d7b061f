// What the engine's own build does: the library beside the programs, found there.
include!("../engine/build.rs");
