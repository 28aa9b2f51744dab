//! Who is signed in: sessions in this process's memory, and the links by which they begin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_service::tokens::{digest, new_token};
use tokio::time::Instant;

use crate::authorise::Scope;
use crate::lock;
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Sessions at the same time; the next ends the one that was idle for longest.
const SESSIONS: usize = 64;
/// A session ends after this time without a request.
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// A session ends after this time in any case.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// A link is good for this time.
const LINK: Duration = Duration::from_secs(10 * 60);
/// Characters of a notice that are kept for the next page.
const NOTICE: usize = 600;

/// Sessions and links, of which only digests are kept.
#[derive(Default)]
pub struct Sessions {
    all: Mutex<HashMap<[u8; 32], Session>>,
    link: Mutex<Option<([u8; 32], Instant)>>,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Session {
    /// As the audit names them.
    pub name: Arc<str>,
    /// What they may do.
    pub scope: Scope,
    /// The API's token they signed in with: it decides, as often as they ask.
    pub token: Option<Arc<str>>,
    /// Personal data is not shown.
    pub hides: bool,
    /// What the next page says.
    pub notice: Option<Notice>,
    began: Instant,
    used: Instant,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// It went well.
    pub is_good: bool,
    /// What a person is told.
    pub text: String,
}

impl Sessions {
    /// A link that signs in once, with the scope admin; the one before is good no more.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new_link(&self) -> Result<String, Problem> {
        let key = random()?;
        *lock(&self.link) = Some((digest(&key), Instant::now() + LINK));
        Ok(key)
    }

    /// Whether a link is good, without using it up.
    pub fn is_link(&self, key: &str) -> bool {
        let link = lock(&self.link);
        link.is_some_and(|(digest_of, until)| digest_of == digest(key) && Instant::now() < until)
    }

    /// Uses a link up: answers whether it was good.
    pub fn take_link(&self, key: &str) -> bool {
        let is_good = self.is_link(key);
        if is_good {
            *lock(&self.link) = None;
        }
        is_good
    }

    /// Begins a session. Answers what its cookie holds.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn begin(
        &self,
        name: &str,
        scope: Scope,
        token: Option<&str>,
        hides: bool,
    ) -> Result<String, Problem> {
        let key = random()?;
        let now = Instant::now();
        let mut all = lock(&self.all);
        all.retain(|_, session| session.is_good(now));
        if all.len() >= SESSIONS
            && let Some(oldest) =
                all.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| *id)
        {
            all.remove(&oldest);
        }
        let session = Session {
            name: name.into(),
            scope,
            token: token.map(Arc::from),
            hides,
            notice: None,
            began: now,
            used: now,
        };
        all.insert(digest(&key), session);
        Ok(key)
    }

    /// The session of a cookie, where it is good; it is used by this.
    pub fn find(&self, key: &str) -> Option<Session> {
        let (now, id) = (Instant::now(), digest(key));
        let mut all = lock(&self.all);
        if !all.get(&id)?.is_good(now) {
            all.remove(&id);
            return None;
        }
        let session = all.get_mut(&id)?;
        session.used = now;
        Some(session.clone())
    }

    /// The same, without using it.
    pub fn peek(&self, key: &str) -> Option<Session> {
        let session = lock(&self.all).get(&digest(key)).cloned();
        session.filter(|session| session.is_good(Instant::now()))
    }

    /// Changes a session that is there.
    pub fn change(&self, key: &str, change: impl FnOnce(&mut Session)) {
        if let Some(session) = lock(&self.all).get_mut(&digest(key)) {
            change(session);
        }
    }

    /// Has the next page of a session say something.
    pub fn tell(&self, key: &str, is_good: bool, text: &str) {
        let text = text.chars().take(NOTICE).collect();
        self.change(key, |session| session.notice = Some(Notice { is_good, text }));
    }

    /// What the next page says; it is said once.
    pub fn take_notice(&self, key: &str) -> Option<Notice> {
        lock(&self.all).get_mut(&digest(key))?.notice.take()
    }

    /// Ends a session.
    pub fn end(&self, key: &str) {
        lock(&self.all).remove(&digest(key));
    }
}

impl Session {
    fn is_good(&self, now: Instant) -> bool {
        now.duration_since(self.used) < IDLE && now.duration_since(self.began) < LONGEST
    }
}

/// 256 random bits, as text.
///
/// # Errors
/// When the system has none.
pub fn random() -> Result<String, Problem> {
    let none = || {
        let text = "the system has no randomness";
        Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text)
    };
    let token = new_token().map_err(|_| none())?;
    let text = std::str::from_utf8(token.expose()).map_err(|_| none())?;
    // The prefix is for tokens that somebody keeps.
    Ok(text.rsplit_once("connhost_").map_or(text, |(_, bits)| bits).to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_link_signs_in_once_and_for_ten_minutes() {
        let sessions = Sessions::default();
        let key = sessions.new_link().unwrap();
        // A preview that reads the page does not use it up.
        assert!(sessions.is_link(&key) && sessions.is_link(&key));
        assert!(!sessions.take_link("other"));
        assert!(sessions.take_link(&key) && !sessions.take_link(&key));
        let late = sessions.new_link().unwrap();
        advance(LINK).await;
        assert!(!sessions.take_link(&late));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_it_is_idle_and_after_half_a_day() {
        let sessions = Sessions::default();
        let key = sessions.begin("a", Scope::Admin, None, false).unwrap();
        for _ in 0..11 {
            advance(Duration::from_secs(3_600)).await;
            assert!(sessions.find(&key).is_some());
        }
        advance(Duration::from_secs(3_600)).await;
        assert!(sessions.find(&key).is_none(), "after twelve hours");
        // A page that is left open keeps no session.
        let key = sessions.begin("a", Scope::Admin, None, false).unwrap();
        for _ in 0..3 {
            assert!(sessions.peek(&key).is_some());
            advance(Duration::from_secs(40 * 60)).await;
        }
        assert!(sessions.peek(&key).is_none());
        let key = sessions.begin("a", Scope::Admin, None, false).unwrap();
        advance(IDLE).await;
        assert!(sessions.find(&key).is_none(), "idle");
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_are_bounded_and_the_idle_one_goes() {
        let sessions = Sessions::default();
        let mut keys = Vec::new();
        for _ in 0..SESSIONS {
            keys.push(sessions.begin("a", Scope::Read, None, false).unwrap());
            advance(Duration::from_secs(1)).await;
        }
        assert!(sessions.find(&keys[0]).is_some());
        sessions.begin("b", Scope::Read, None, false).unwrap();
        assert!(sessions.find(&keys[0]).is_some(), "it was used last");
        assert!(sessions.find(&keys[1]).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_notice_is_said_once() {
        let sessions = Sessions::default();
        let key = sessions.begin("a", Scope::Admin, None, false).unwrap();
        sessions.tell(&key, true, "done");
        assert!(sessions.take_notice(&key).is_some_and(|notice| notice.text == "done"));
        assert_eq!(sessions.take_notice(&key), None);
        sessions.end(&key);
        assert!(sessions.find(&key).is_none());
    }
}
