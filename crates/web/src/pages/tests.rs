//! Templates and forms alone; whole pages are tested in a real browser and over HTTP.
