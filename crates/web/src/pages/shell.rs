//! What surrounds every page: title, menu, who is signed in, what was just done.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use governance::person::Role;
use service::{Door, ServiceError};

use super::refusal::Told;
use super::session::{Visit, Visitor};

/// What surrounds a page.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    /// Title of the page.
    pub(crate) title: String,
    /// Token for the page's forms.
    pub(crate) csrf: String,
    /// Who is signed in.
    pub(crate) who: Option<Who>,
    /// What was just done, in words.
    pub(crate) done: Option<&'static str>,
    /// Whether a form came back with faults; screen readers hear it in the title.
    pub(crate) fault: bool,
    path: String,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// Name.
    pub(crate) name: String,
    roles: Vec<Role>,
    desk: Door,
}

/// A link of the menu.
pub(crate) struct Link {
    pub(crate) href: &'static str,
    pub(crate) text: &'static str,
    pub(crate) current: bool,
}

/// Every entry of the menu and the roles that see it; no role at all stands for everybody who is signed in.
const MENU: &[(&str, &str, &[Role])] = &[
    ("/", "Your work", &[]),
    ("/catalogue", "Catalogue", &[]),
    (
        "/projects",
        "Projects",
        &[
            Role::Researcher,
            Role::Coordinator,
            Role::PanelMember,
            Role::PanelChair,
            Role::Controller,
            Role::Indexer,
            Role::DataSteward,
            Role::Auditor,
        ],
    ),
    (
        "/outputs",
        "Outputs",
        &[Role::Researcher, Role::OutputChecker, Role::Auditor],
    ),
    (
        "/people",
        "People",
        &[Role::Administrator, Role::Coordinator],
    ),
    (
        "/recoveries",
        "Recoveries",
        &[
            Role::Administrator,
            Role::DataSteward,
            Role::Controller,
            Role::Auditor,
        ],
    ),
    ("/log", "Log", &[Role::Auditor]),
    ("/posture", "Posture", &[Role::Auditor, Role::Administrator]),
    ("/account", "Your account", &[]),
];

/// The menu of the indexing desk.
const INDEXING_MENU: &[(&str, &str, &[Role])] = &[
    ("/indexing", "Indexing", &[]),
    ("/account", "Your account", &[]),
];

impl Shell {
    /// Around a page for somebody who is signed in.
    pub(crate) fn of(visitor: &Visitor, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            csrf: visitor.csrf.clone(),
            who: Some(Who {
                name: visitor.caller.person.name.clone(),
                roles: visitor.caller.person.roles.iter().copied().collect(),
                desk: visitor.desk,
            }),
            done: None,
            fault: false,
            path: visitor.path.clone(),
        }
    }

    /// Around a public page with forms.
    pub(crate) fn visit(visit: &Visit, title: impl Into<String>) -> Self {
        Self {
            csrf: visit.csrf.clone(),
            ..Self::public(title)
        }
    }

    /// Around a public page without forms.
    pub(crate) fn public(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            csrf: String::new(),
            who: None,
            done: None,
            fault: false,
            path: String::new(),
        }
    }

    /// Around a page that anybody may read, with the menu of whoever is signed in.
    pub(crate) fn maybe(visitor: Option<&Visitor>, title: impl Into<String>) -> Self {
        match visitor {
            Some(visitor) => Self::of(visitor, title),
            None => Self::public(title),
        }
    }

    /// With what was just done, from the word in `?done=`.
    pub(crate) fn done(mut self, word: Option<&str>) -> Self {
        self.done = word.and_then(super::words::done);
        self
    }

    /// With a form that came back with faults.
    pub(crate) fn fault(mut self, faults: &super::form::Faults) -> Self {
        self.fault = !faults.is_empty();
        self
    }

    /// The menu.
    pub(crate) fn links(&self) -> Vec<Link> {
        let Some(who) = &self.who else {
            return [("/register", "Public register"), ("/sign-in", "Sign in")]
                .map(|(href, text)| Link {
                    href,
                    text,
                    current: href == self.path,
                })
                .into();
        };
        let menu = match who.desk {
            Door::Research => MENU,
            Door::Indexing => INDEXING_MENU,
        };
        menu.iter()
            .filter(|(_, _, roles)| {
                roles.is_empty() || who.roles.iter().any(|role| roles.contains(role))
            })
            .map(|&(href, text, _)| Link {
                href,
                text,
                current: if href == "/" {
                    self.path == "/"
                } else {
                    self.path == href || self.path.starts_with(&format!("{href}/"))
                },
            })
            .collect()
    }
}

/// What a page's handler gives.
pub(crate) type Reply = Result<Response, Told>;

/// A page with status 200.
pub(crate) fn page(template: &impl Template) -> Reply {
    with_status(StatusCode::OK, template)
}

/// A form that came back with faults: status 422.
pub(crate) fn again(template: &impl Template) -> Reply {
    with_status(StatusCode::UNPROCESSABLE_ENTITY, template)
}

pub(crate) fn with_status(status: StatusCode, template: &impl Template) -> Reply {
    let html = template.render().map_err(|error| {
        tracing::error!(error = %error, "a page could not be rendered");
        ServiceError::BadInput("the page cannot be shown; tell whoever runs the safe haven".into())
    })?;
    Ok((status, Html(html)).into_response())
}

/// After a form was taken: on to a page, which says what was done.
pub(crate) fn see(path: &str, done: &str) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    axum::response::Redirect::to(&format!("{path}{mark}done={done}")).into_response()
}
