//! Whether a request comes from a locked desktop, the one place where a screen may show rows of people.
//!
//! The address that counts is the one that the connection has, or, behind a proxy of the site's own, the one that
//! this proxy writes into one header. Everything else is not from a locked desktop: another proxy, no header, two
//! of them, a list, a name.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use governance::desktop::{DesktopNetworks, LockedDesktop};

use crate::Front;

/// A site's locked desktops, and the proxies through which they come.
#[derive(Debug, Clone, Default)]
pub struct Desktops {
    networks: DesktopNetworks,
    behind: Option<Proxies>,
}

/// Proxies that write the address of whoever asks into a header, over anything that stands there.
#[derive(Debug, Clone)]
pub struct Proxies {
    addresses: Vec<IpAddr>,
    header: HeaderName,
}

impl Proxies {
    /// Proxies at these addresses.
    ///
    /// # Errors
    /// If there is none, or the header cannot be one.
    pub fn new(addresses: Vec<IpAddr>, header: &str) -> Result<Self, String> {
        if addresses.is_empty() {
            return Err("a proxy's header counts only with the addresses of proxies".into());
        }
        let header = HeaderName::try_from(header)
            .map_err(|_| format!("{header:?} is no name of a header"))?;
        let addresses = addresses.iter().map(IpAddr::to_canonical).collect();
        Ok(Self { addresses, header })
    }

    /// The one address that a proxy wrote.
    fn told(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let mut values = headers.get_all(&self.header).iter();
        let (Some(only), None) = (values.next(), values.next()) else {
            return None;
        };
        let told: IpAddr = only.to_str().ok()?.parse().ok()?;
        let told = told.to_canonical();
        // One proxy before the other, or one that wrote its own address: whoever asked is not told.
        (!self.addresses.contains(&told)).then_some(told)
    }
}

impl Desktops {
    /// These networks, reached directly or through these proxies only.
    #[must_use]
    pub fn new(networks: DesktopNetworks, behind: Option<Proxies>) -> Self {
        Self { networks, behind }
    }

    fn at(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<LockedDesktop> {
        let peer = peer?.to_canonical();
        let seen = match &self.behind {
            None => peer,
            Some(proxies) if proxies.addresses.contains(&peer) => proxies.told(headers)?,
            Some(_) => return None,
        };
        self.networks.admit(seen).ok()
    }
}

/// The locked desktop that a request comes from, if it comes from one.
pub(crate) struct FromDesktop(pub(crate) Option<LockedDesktop>);

impl FromRequestParts<Front> for FromDesktop {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(address)| address.ip());
        Ok(Self(front.desktops.at(peer, &parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const INSIDE: &str = "10.20.3.4";
    const OUTSIDE: &str = "203.0.113.9";
    const PROXY: &str = "192.0.2.1";

    fn networks() -> DesktopNetworks {
        DesktopNetworks::parse(&["10.20.0.0/16".into()]).unwrap()
    }

    fn proxied() -> Desktops {
        let proxies = Proxies::new(vec![PROXY.parse().unwrap()], "X-Real-IP").unwrap();
        Desktops::new(networks(), Some(proxies))
    }

    fn is_desktop(site: &Desktops, peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        site.at(peer.parse().ok(), &map).is_some()
    }

    #[test]
    fn without_a_proxy_the_connection_alone_tells() {
        let direct = Desktops::new(networks(), None);
        assert!(is_desktop(&direct, INSIDE, &[]));
        assert!(is_desktop(&direct, "::ffff:10.20.3.4", &[]));
        for peer in [OUTSIDE, "127.0.0.1", "nowhere"] {
            for header in ["x-real-ip", "x-forwarded-for", "forwarded", "client-ip"] {
                assert!(!is_desktop(&direct, peer, &[(header, INSIDE)]), "{header}");
            }
        }
    }

    #[test]
    fn behind_a_proxy_one_address_in_its_one_header_tells() {
        let site = proxied();
        assert!(is_desktop(&site, PROXY, &[("x-real-ip", INSIDE)]));
        assert!(is_desktop(
            &site,
            PROXY,
            &[("x-real-ip", "::ffff:10.20.3.4")]
        ));
        let lists = format!("{INSIDE}, {OUTSIDE}");
        let port = format!("{INSIDE}:80");
        for (peer, headers) in [
            (PROXY, vec![]),
            (PROXY, vec![("x-real-ip", OUTSIDE)]),
            (PROXY, vec![("x-real-ip", "")]),
            (PROXY, vec![("x-real-ip", "desktop")]),
            (PROXY, vec![("x-real-ip", lists.as_str())]),
            (PROXY, vec![("x-real-ip", port.as_str())]),
            (PROXY, vec![("x-real-ip", INSIDE), ("x-real-ip", OUTSIDE)]),
            (PROXY, vec![("x-real-ip", OUTSIDE), ("x-real-ip", INSIDE)]),
            (PROXY, vec![("x-forwarded-for", INSIDE)]),
            (PROXY, vec![("forwarded", "for=10.20.3.4")]),
            // Past the proxy, whatever the connection and the header say.
            (INSIDE, vec![]),
            (INSIDE, vec![("x-real-ip", INSIDE)]),
            (OUTSIDE, vec![("x-real-ip", INSIDE)]),
            ("127.0.0.1", vec![("x-real-ip", INSIDE)]),
        ] {
            assert!(!is_desktop(&site, peer, &headers), "{peer} {headers:?}");
        }
    }

    #[test]
    fn an_address_that_is_a_proxys_own_is_nobodys_desktop() {
        let proxies = Proxies::new(
            vec![PROXY.parse().unwrap(), INSIDE.parse().unwrap()],
            "x-real-ip",
        );
        let site = Desktops::new(networks(), Some(proxies.unwrap()));
        assert!(!is_desktop(&site, PROXY, &[("x-real-ip", INSIDE)]));
        assert!(is_desktop(&site, PROXY, &[("x-real-ip", "10.20.3.5")]));
    }

    #[test]
    fn where_no_network_is_named_nobody_is_at_a_desktop() {
        let none = Desktops::default();
        for peer in [INSIDE, OUTSIDE, "127.0.0.1", "::1"] {
            assert!(!is_desktop(&none, peer, &[("x-real-ip", INSIDE)]));
        }
        assert!(
            Desktops::new(networks(), None)
                .at(None, &HeaderMap::new())
                .is_none()
        );
    }

    #[test]
    fn a_header_without_proxies_or_that_is_none_is_refused() {
        assert!(Proxies::new(vec![], "x-real-ip").is_err());
        assert!(Proxies::new(vec![PROXY.parse().unwrap()], "x real ip").is_err());
    }
}
