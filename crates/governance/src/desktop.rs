//! Locked desktops: the one place where a screen may show rows of people.
//!
//! No browser keeps anybody from copying what it shows. A site that lets people see rows gives them desktops
//! on which it has locked network, clipboard, printers and cameras, and names the networks of those. Where
//! it names none, nobody sees rows.

use core::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// Most networks that a site names.
pub const NETWORKS_MAX: usize = 64;
/// Fewest leading bits that a network fixes: nobody has locked more desktops than there are behind so many.
const PREFIX_MIN_V4: u8 = 8;
const PREFIX_MIN_V6: u8 = 32;

/// The networks of a site's locked desktops. None at all is the default: then nobody sees rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesktopNetworks(Vec<IpNet>);

/// An address in one of those networks. Made only by [`DesktopNetworks::admit`]; the keeper asks its own list
/// again for one that it reads from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LockedDesktop(IpAddr);

impl LockedDesktop {
    /// The address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.0
    }
}

impl DesktopNetworks {
    /// Networks in CIDR notation, such as `10.20.0.0/16`.
    ///
    /// # Errors
    /// If one is no network, is this machine itself, is wider than any site's desktops, or there are too many.
    pub fn parse(networks: &[String]) -> Result<Self, Refusal> {
        if networks.len() > NETWORKS_MAX {
            return Err(Refusal::Invalid(format!(
                "a site names at most {NETWORKS_MAX} networks of locked desktops"
            )));
        }
        let networks = networks.iter().map(|text| network(text));
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// As [`Self::parse`] takes them.
    pub fn words(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(ToString::to_string)
    }

    /// Whether there is none, so that nobody sees rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The locked desktop at an address.
    ///
    /// # Errors
    /// If the address is in none of the networks.
    pub fn admit(&self, address: IpAddr) -> Result<LockedDesktop, Refusal> {
        // A socket for both kinds of address writes the older kind as one of the newer.
        let address = address.to_canonical();
        if self.0.iter().any(|network| network.contains(&address)) {
            Ok(LockedDesktop(address))
        } else {
            Err(Refusal::NotApproved(
                "showing rows away from a locked desktop",
            ))
        }
    }
}

fn network(text: &str) -> Result<IpNet, Refusal> {
    let invalid = |why: &str| Err(Refusal::Invalid(format!("{text:?} {why}")));
    let Ok(network) = text.parse::<IpNet>() else {
        return invalid("is no network such as 10.20.0.0/16");
    };
    let least = match network {
        IpNet::V4(_) => PREFIX_MIN_V4,
        IpNet::V6(_) => PREFIX_MIN_V6,
    };
    if network.trunc() != network {
        return invalid("names an address inside a network: write the network's first address");
    }
    if network.prefix_len() < least {
        return invalid("is wider than a network of locked desktops can be");
    }
    let address = network.addr();
    if address.is_loopback() || address.is_multicast() || address.is_unspecified() {
        return invalid("is this machine itself or nobody's, not a network of desktops");
    }
    if address.to_canonical() != address {
        return invalid("is an IPv4 network written as IPv6: write it as IPv4");
    }
    Ok(network)
}
