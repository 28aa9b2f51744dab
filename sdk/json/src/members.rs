//! Members and items where they lie, for records that are joined from pieces of others.

use std::borrow::Cow;

use super::{Kind, Malformed, Reader, Text, skip};

/// One member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its value, token for token.
    pub value: &'a str,
    /// Name, colon and value, token for token.
    pub raw: &'a str,
}

impl<'a> Member<'a> {
    /// The member with this name; the last one if it comes twice.
    #[must_use]
    pub fn named<'m>(members: &'m [Self], name: &str) -> Option<&'m Self> {
        members.iter().rev().find(|member| member.name.is(name))
    }

    /// The value, decoded, when it is a string that says something.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        Reader::new(self.value).text_or_skip().ok()?.filter(|text| !text.is_empty())
    }
}

impl<'a> Reader<'a> {
    /// The members of the object that stands next, in their order, equal names included.
    ///
    /// # Errors
    /// When no well-formed object does.
    pub fn members(&mut self) -> Result<Vec<Member<'a>>, Malformed> {
        let mut members = Vec::new();
        self.open_object()?;
        loop {
            let mark = self.mark();
            let Some(name) = self.next_member()? else { return Ok(members) };
            let value = self.skip()?;
            // From the second member on, the comma before it is in between.
            let raw = self.since(mark).trim_start_matches([',', ' ', '\n', '\r', '\t']);
            members.push(Member { name, value, raw });
        }
    }

    /// The text of the value that stands next. When it is an object, the values of its members with
    /// these names are put into `found`, in the order of `names`; of equal ones the last one counts.
    ///
    /// # Errors
    /// When no well-formed value does.
    pub fn pick(
        &mut self,
        names: &[&str],
        found: &mut [Option<&'a str>],
    ) -> Result<&'a str, Malformed> {
        if self.kind()? != Kind::Object {
            return self.skip();
        }
        let mark = self.mark();
        self.at = skip::pick(self.text, mark, self.depth, names, found)?;
        self.fresh = false;
        Ok(self.since(mark))
    }

    /// The items of the array that stands next, in their order, token for token.
    ///
    /// # Errors
    /// When no well-formed array does.
    pub fn items(&mut self) -> Result<Vec<&'a str>, Malformed> {
        let mut items = Vec::new();
        self.open_list()?;
        while self.next_item()? {
            items.push(self.skip()?);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stay_as_they_are_written() {
        let text = r#"{ "a" : 1.50 , "a":[ 1 ],"\u0062":"x\u0041" ,",":"" }"#;
        let members = Reader::new(text).members().unwrap();
        let raw: Vec<_> = members.iter().map(|member| member.raw).collect();
        assert_eq!(raw, [r#""a" : 1.50"#, r#""a":[ 1 ]"#, r#""\u0062":"x\u0041""#, r#"",":"""#]);
        assert_eq!(Member::named(&members, "a").map(|member| member.value), Some("[ 1 ]"));
        let text = |name| Member::named(&members, name).and_then(Member::text);
        assert_eq!((text("b").as_deref(), text("a"), text(",")), (Some("xA"), None, None));
        assert_eq!(Member::named(&members, "c"), None);
    }

    #[test]
    fn members_are_picked_from_an_object_and_of_equal_ones_the_last() {
        let pick = |text| {
            let mut found = [None; 2];
            let mut reader = Reader::new(text);
            let whole = reader.pick(&["a", "b"], &mut found)?;
            reader.end().map(|()| (whole, found))
        };
        let text = r#" {"\u0061": 1.50 ,"c":{"b":0},"a":["x"] } "#;
        assert_eq!(pick(text), Ok((text.trim(), [Some(r#"["x"]"#), None])));
        assert_eq!(pick(r#"[{"a":1}]"#), Ok((r#"[{"a":1}]"#, [None, None])));
        assert!(pick(r#"{"a":1,}"#).is_err() && pick(r#"{"a":}"#).is_err() && pick("").is_err());
    }

    #[test]
    fn items_stay_as_they_are_written() {
        assert_eq!(
            Reader::new(r#"[ 1e2, {"a": [] } ]"#).items().unwrap(),
            ["1e2", r#"{"a": [] }"#]
        );
        assert!(Reader::new("[]").items().unwrap().is_empty());
        assert!(Reader::new("[1,]").items().is_err() && Reader::new("{}").items().is_err());
        assert!(Reader::new("[]").members().is_err() && Reader::new(r#"{"a"}"#).members().is_err());
    }
}
