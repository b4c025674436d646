//! XML answers as a tree of elements, rendered by quick-xml. Which elements an answer has does not enter here.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// An element: its name, and text or children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: String,
    namespace: Option<&'static str>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// An empty element.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            text: String::new(),
            children: Vec::new(),
        }
    }

    /// In this namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &'static str) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// With a child that holds text.
    #[must_use]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "taken from values and references alike"
    )]
    pub fn text(self, name: impl Into<String>, text: impl ToString) -> Self {
        let mut child = Self::new(name);
        child.text = text.to_string();
        self.child(child)
    }

    /// Holding text itself.
    #[must_use]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "taken from values and references alike"
    )]
    pub fn own_text(mut self, text: impl ToString) -> Self {
        self.text = text.to_string();
        self
    }

    /// With a child that holds text, if there is one.
    #[must_use]
    pub fn maybe(self, name: &str, text: Option<impl ToString>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// With this child.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// With these children.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// With a child `name` that holds an `entry` per item, each filled in by `fill`.
    #[must_use]
    pub fn list<T>(
        self,
        name: &str,
        entry: &str,
        items: impl IntoIterator<Item = T>,
        fill: impl Fn(Self, T) -> Self,
    ) -> Self {
        let entries = items.into_iter().map(|item| fill(Self::new(entry), item));
        self.child(Self::new(name).children(entries))
    }

    /// With a child `name` that holds an `entry` with text per item.
    #[must_use]
    pub fn texts<T: ToString>(
        self,
        name: &str,
        entry: &str,
        items: impl IntoIterator<Item = T>,
    ) -> Self {
        self.list(name, entry, items, Self::own_text)
    }

    /// The document with this element as its root.
    pub fn render(&self) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        let declaration = Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None));
        // A vector takes everything, so that nothing is lost by not asking.
        let _ = writer.write_event(declaration);
        let _ = self.write(&mut writer);
        writer.into_inner()
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let mut start = BytesStart::new(self.name.as_str());
        if let Some(namespace) = self.namespace {
            start.push_attribute(("xmlns", namespace));
        }
        if self.text.is_empty() && self.children.is_empty() {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        if !self.text.is_empty() {
            let text: String = self.text.chars().filter(|c| allowed(*c)).collect();
            writer.write_event(Event::Text(BytesText::new(&text)))?;
        }
        for child in &self.children {
            child.write(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }
}

/// Characters that XML 1.0 allows (section 2.2); others cannot be written, not even escaped.
fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_what_xml_cannot_hold_is_left_out() {
        let xml = Element::new("A")
            .namespace("urn:a")
            .text("B", "a < b & \"c\"\u{1b}[0m")
            .texts("List", "member", [1, 2])
            .list("None", "item", Vec::<u8>::new(), |entry, _| entry)
            .render();
        assert_eq!(
            String::from_utf8(xml).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><A xmlns=\"urn:a\"><B>a &lt; b &amp; &quot;c&quot;[0m</B><List><member>1</member><member>2</member></List><None/></A>"
        );
    }
}
