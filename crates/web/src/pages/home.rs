//! One worklist for each person: what needs them, what waits for others, what is done.

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;
use service::Item;

use super::session::Visitor;
use super::shell::{Reply, Shell, page};
use super::words;
use crate::Ready;

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    shell: Shell,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    shell: Shell,
    parts: Vec<Part>,
}

struct Part {
    id: &'static str,
    title: &'static str,
    empty: &'static str,
    items: Vec<Shown>,
}

struct Shown {
    href: String,
    title: String,
    ask: &'static str,
    organisation: String,
    state: &'static str,
    since: String,
}

/// What a page may be told by the page before.
#[derive(Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    pub(crate) done: Option<String>,
}

pub(crate) async fn show(
    State(front): Ready,
    Query(ask): Query<Done>,
    visitor: Option<Visitor>,
) -> Reply {
    let Some(visitor) = visitor else {
        return page(&Landing {
            shell: Shell::public("A safe haven for health and care data"),
        });
    };
    let list = front.service.worklist(&visitor.caller).await?;
    let parts = vec![
        Part {
            id: "needs-you",
            title: "Needs you",
            empty: "Nothing waits for you.",
            items: shown(list.needs_you),
        },
        Part {
            id: "waiting",
            title: "Waits for others",
            empty: "Nothing of yours waits for others.",
            items: shown(list.waiting),
        },
        Part {
            id: "finished",
            title: "Done",
            empty: "Nothing yet.",
            items: shown(list.done),
        },
    ];
    page(&Home {
        shell: Shell::of(&visitor, "Your work").done(ask.done.as_deref()),
        parts,
    })
}

fn shown(items: Vec<Item>) -> Vec<Shown> {
    items
        .into_iter()
        .map(|item| Shown {
            href: words::href(item.kind, &item.id),
            title: if item.title.is_empty() {
                "Without a title yet".into()
            } else {
                item.title
            },
            ask: words::ask(item.action),
            organisation: item.organisation,
            state: item.state,
            since: words::moment(item.since),
        })
        .collect()
}
