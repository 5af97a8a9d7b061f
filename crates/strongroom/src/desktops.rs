//! `[locked_desktops]` of the config file: where screens may show rows, for the desk that shows them and for the
//! keeper that gives them.

use std::ffi::OsString;
use std::net::IpAddr;

use governance::desktop::DesktopNetworks;
use serde::Deserialize;
use web::{Desktops, Proxies};

use crate::problem::Problem;

/// The section, and the same on the command line of the processes that `serve` starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockedDesktops {
    /// Networks in CIDR notation.
    #[arg(long = "desktop-network", hide = true)]
    networks: Vec<String>,
    /// Addresses of the proxies that stand before the pages.
    #[serde(default)]
    #[arg(long = "desktop-proxy", hide = true)]
    proxies: Vec<IpAddr>,
    /// The header into which they write who asks.
    #[serde(default)]
    #[arg(long = "desktop-header", hide = true)]
    header: Option<String>,
}

impl LockedDesktops {
    /// The networks.
    ///
    /// # Errors
    /// In one sentence, what is wrong with one.
    pub(crate) fn networks(&self) -> Result<DesktopNetworks, Problem> {
        DesktopNetworks::parse(&self.networks).map_err(|why| wrong(&why.to_string()))
    }

    /// What the desk needs to know. Behind a proxy every connection comes from the proxy, so it must be said which,
    /// and in which header it tells who asks.
    ///
    /// # Errors
    /// In one sentence, what is wrong or missing.
    pub(crate) fn of_desk(&self, behind_tls_proxy: bool) -> Result<Desktops, Problem> {
        let networks = self.networks()?;
        let behind = match &self.header {
            Some(header) => {
                let proxies = Proxies::new(self.proxies.clone(), header);
                Some(proxies.map_err(|why| wrong(&why))?)
            }
            None if !self.proxies.is_empty() => {
                return Err(wrong(
                    "proxies are of use only with the header that they write",
                ));
            }
            None if behind_tls_proxy && !networks.is_empty() => {
                return Err(wrong(
                    "behind a proxy every request comes from the proxy: name proxies and header",
                ));
            }
            None => None,
        };
        Ok(Desktops::new(networks, behind))
    }

    /// For the command line of the keeper: networks alone.
    pub(crate) fn for_keeper(&self) -> Vec<OsString> {
        let networks = self.networks.iter();
        networks
            .flat_map(|network| ["--desktop-network".into(), network.into()])
            .collect()
    }

    /// For the command line of a desk.
    pub(crate) fn for_desk(&self) -> Vec<OsString> {
        let mut line = self.for_keeper();
        for proxy in &self.proxies {
            line.extend(["--desktop-proxy".into(), proxy.to_string().into()]);
        }
        if let Some(header) = &self.header {
            line.extend(["--desktop-header".into(), header.into()]);
        }
        line
    }
}

fn wrong(why: &str) -> Problem {
    Problem::could_not(format!("[locked_desktops] cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Child {
        #[command(flatten)]
        desktops: LockedDesktops,
    }

    fn read(text: &str) -> LockedDesktops {
        toml::from_str(text).unwrap()
    }

    const WHOLE: &str = "networks = [\"10.20.0.0/16\", \"2001:db8:7::/48\"]\n\
        proxies = [\"127.0.0.1\"]\nheader = \"x-real-ip\"";

    #[test]
    fn a_child_is_told_what_the_file_says() {
        let said = read(WHOLE);
        let line = [vec!["child".into()], said.for_desk()].concat();
        assert_eq!(Child::parse_from(line).desktops, said);
        let keeper = [vec!["child".into()], said.for_keeper()].concat();
        let keeper = Child::parse_from(keeper).desktops;
        assert_eq!(keeper.networks().unwrap(), said.networks().unwrap());
        assert!(keeper.header.is_none() && keeper.proxies.is_empty());
        let none = LockedDesktops::default();
        assert!(none.for_desk().is_empty() && none.networks().unwrap().is_empty());
    }

    #[test]
    fn what_would_let_everybody_in_is_refused_in_one_sentence() {
        for (text, says) in [
            ("networks = [\"127.0.0.0/8\"]", "this machine itself"),
            ("networks = [\"0.0.0.0/0\"]", "wider"),
            ("networks = [\"10.20.0.0/16\"]", "name proxies and header"),
            (
                "networks = [\"10.20.0.0/16\"]\nproxies = [\"127.0.0.1\"]",
                "only with the header",
            ),
            (
                "networks = [\"10.20.0.0/16\"]\nheader = \"x-real-ip\"",
                "only with the addresses",
            ),
            (
                "networks = []\nproxies = [\"127.0.0.1\"]\nheader = \"x real ip\"",
                "no name of a header",
            ),
        ] {
            let why = read(text).of_desk(true).unwrap_err().text;
            assert!(why.contains(says), "{text}: {why}");
        }
        assert!(read("networks = [\"10.20.0.0/16\"]").of_desk(false).is_ok());
        assert!(read(WHOLE).of_desk(true).is_ok());
        assert!(LockedDesktops::default().of_desk(true).is_ok());
    }
}
