//! Who is told about a tracking, read out of it.

use super::derived;
use connector_sdk::{
    DataRecord, Parent,
    json::{Kind, Malformed, Member, Reader, Writer, quoted},
    text::join,
};

/// Members of the tracking that a record repeats.
const COPIED: [&str; 5] =
    ["tracking_number", "slug", "customers", "subscribed_emails", "subscribed_smses"];

const EMAIL: &str = "email";
const SMS: &str = "sms";

/// What a tracking says of it; lists without their nulls.
pub(super) struct Told<'a> {
    pub(super) customers: Vec<&'a str>,
    emails: Vec<&'a str>,
    smses: Vec<&'a str>,
}

/// One way to tell somebody.
struct Recipient<'a> {
    channel: &'static str,
    /// As AfterShip writes it, quotes included.
    address: &'a str,
    /// Equal for equal addresses of a channel.
    key: String,
}

impl<'a> Told<'a> {
    /// Reads a tracking. A list that is missing, or no list, is empty.
    pub(super) fn read(tracking: &[Member<'a>]) -> Result<Self, Malformed> {
        let list = |name| Member::named(tracking, name).map_or(Ok(Vec::new()), items);
        let (customers, emails) = (list("customers")?, list("subscribed_emails")?);
        let smses = list("subscribed_smses")?;
        Ok(Self { customers, emails, smses })
    }

    fn is_nobody(&self) -> bool {
        self.customers.is_empty() && self.emails.is_empty() && self.smses.is_empty()
    }

    /// Customers first, then subscribers; each address once a channel.
    fn recipients(&self) -> Result<String, Malformed> {
        let mut all = Vec::new();
        for customer in &self.customers {
            if Reader::new(customer).kind()? == Kind::Object {
                let members = Reader::new(customer).members()?;
                let value = |name| Member::named(&members, name).map(|member| member.value);
                all.extend(value("email").and_then(|address| recipient(EMAIL, address)));
                all.extend(value("phone_number").and_then(|address| recipient(SMS, address)));
            }
        }
        all.extend(self.emails.iter().filter_map(|address| recipient(EMAIL, address)));
        all.extend(self.smses.iter().filter_map(|address| recipient(SMS, address)));
        let keys: Vec<String> = all.iter().map(|recipient| recipient.key.clone()).collect();
        let first =
            all.iter().zip(derived::count_equal(&keys)).filter(|(_, ordinal)| *ordinal == 1);
        let written: Vec<_> = first.map(|(recipient, _)| recipient.written()).collect();
        Ok(format!("[{}]", join(&written, ",")))
    }
}

impl Recipient<'_> {
    fn written(&self) -> String {
        let mut written = Writer::new();
        written.raw("channel", &quoted(self.channel));
        written.raw("address", self.address);
        written.finish()
    }
}

/// The record of a tracking about which anybody is told.
pub(super) fn derive_from(tracking: &Parent<'_>) -> Result<Vec<DataRecord>, Malformed> {
    let Parent { record, members } = tracking;
    let told = Told::read(members)?;
    if told.is_nobody() {
        return Ok(Vec::new());
    }
    let mut data = derived::begin_data(&record.id, record);
    derived::copy_members(members, &COPIED, &mut data);
    data.raw("recipients", &told.recipients()?);
    Ok(vec![DataRecord { data: data.finish(), ..derived::with_times_of(record) }])
}

fn items<'a>(list: &Member<'a>) -> Result<Vec<&'a str>, Malformed> {
    let mut reader = Reader::new(list.value);
    if reader.kind()? != Kind::List {
        return Ok(Vec::new());
    }
    let mut items = reader.items()?;
    items.retain(|item| *item != "null");
    Ok(items)
}

/// Mail addresses are compared without regard to case; that of ASCII, as the tables for all of
/// Unicode would make the component larger by a twentieth.
fn recipient<'a>(channel: &'static str, address: &'a str) -> Option<Recipient<'a>> {
    let text = Reader::new(address).text_or_skip().ok()??;
    let key = match channel {
        EMAIL => text.to_ascii_lowercase(),
        _ => text.to_string(),
    };
    let key = (!key.is_empty()).then(|| format!("{channel}:{key}"))?;
    Some(Recipient { channel, address, key })
}
