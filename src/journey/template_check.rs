//! Unknown names in email templates, with their place and the nearest valid name.
//!
//! Called by `check`. askama itself finds them too, but tells neither the line nor the name that was meant. Syntax
//! beyond names, such as wrong types, is left to it.

mod expressions;
mod panics;
mod variable_names;

pub use variable_names::is_variable_name;

use super::email_shape::{CONFIRM, MARKETING_SHOWS, MODEL, SUBJECT, Shape};
use super::finding::{Finding, Place, hint};
use super::project::{EMAILS, TEMPLATES};
use askama_parser::node::{Cond, Loop, Macro};
use askama_parser::{Ast, LetValueOrBlock, Node, Span, Syntax, Target};
use std::collections::{BTreeMap, BTreeSet};

/// The three parts of an email; every folder in `templates/emails/` has them.
pub const PARTS: [&str; 3] = ["subject.txt", "email.html", "email.txt"];
/// Deepest chain of layouts, includes and macros followed: beyond it lies a circle.
const DEPTH_MAX: usize = 16;

/// The key of `store.yaml`, and the name that stands below it.
pub type Declared = (&'static str, String);

/// What the check of all emails found.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// For each email, the top-level names that its files, includes and macros among them, use without asking whether there is anything, with the file and place of the first use.
    pub uses: BTreeMap<String, BTreeMap<&'static str, (String, Place)>>,
    /// For each email, the journey's variables that any of its files shows, with the file and place of the first use.
    pub variables: BTreeMap<String, BTreeMap<String, (String, Place)>>,
    /// For each email, what it names of that which `store.yaml` declares: under which key, by which name, and where.
    pub declared: BTreeMap<String, BTreeMap<Declared, (String, Place)>>,
    /// Where templates, their layouts and macros among them, speak of the referral link: file and place.
    pub referral: BTreeSet<(String, Place)>,
    /// For each email, what a part of it, or of a translation, does not show and marketing must: the name, and the file.
    pub lacks: BTreeMap<String, BTreeMap<&'static str, String>>,
    /// The emails whose every part shows the link of double opt-in.
    pub confirms: BTreeSet<String>,
}

impl Checked {
    /// The names of the variables that each email shows.
    pub fn variable_names(&self) -> BTreeMap<String, BTreeSet<String>> {
        let of_emails = self.variables.iter();
        of_emails
            .map(|(email, names)| (email.clone(), names.keys().cloned().collect()))
            .collect()
    }
}

impl Checked {
    /// What each email names of that which `store.yaml` declares.
    pub fn declared_names(&self) -> BTreeMap<String, BTreeSet<Declared>> {
        let of_emails = self.declared.iter();
        of_emails
            .map(|(email, names)| (email.clone(), names.keys().cloned().collect()))
            .collect()
    }
}

/// Checks the templates of every email. `templates` is keyed by path as templates write it; `folders` are the emails'
/// own and their translations'.
pub fn check(templates: &BTreeMap<String, String>, folders: &[String]) -> Checked {
    let mut findings = BTreeSet::new();
    let mut uses: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    let mut variables: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    let mut declared: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    let mut referral = BTreeSet::new();
    let mut lacks: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    let mut confirms: BTreeSet<String> = folders.iter().cloned().collect();
    for folder in folders {
        // What a translation uses, the email uses.
        let email = folder.split_once('/').map_or(folder.as_str(), |(email, _)| email);
        let used = uses.entry(email.to_owned()).or_default();
        let shown = variables.entry(email.to_owned()).or_default();
        for part in PARTS {
            let path = format!("{EMAILS}{folder}/{part}");
            if !templates.contains_key(&path) {
                findings.insert(Finding::whole(
                    &format!("{TEMPLATES}/{path}"),
                    "is missing: every email, and each of its translations, has subject.txt, email.html and email.txt",
                ));
                continue;
            }
            let mut walker = Walker::new(templates, &path);
            walker.file(&path, Place::START);
            // What a part lacks that cannot be read, nobody knows.
            let is_sound = walker.findings.is_empty();
            findings.append(&mut walker.findings);
            if part != PARTS[0] && is_sound {
                let missing = |name: &&str| !walker.shown.contains(name);
                for name in MARKETING_SHOWS.into_iter().filter(missing) {
                    let lacking = lacks.entry(email.to_owned()).or_default();
                    lacking
                        .entry(name)
                        .or_insert_with(|| format!("{TEMPLATES}/{path}"));
                }
                if !walker.shown.contains(CONFIRM) {
                    confirms.remove(email);
                }
            }
            for (name, at) in walker.variables {
                shown.entry(name).or_insert(at);
            }
            for (name, at) in walker.declared {
                let named = declared.entry(email.to_owned()).or_default();
                named.entry(name).or_insert(at);
            }
            referral.append(&mut walker.referral);
            for (name, at) in walker.used {
                used.entry(name).or_insert(at);
            }
        }
    }
    Checked {
        findings: findings.into_iter().collect(),
        uses,
        variables,
        declared,
        referral,
        lacks,
        confirms,
    }
}

/// Names bound by loops, `let`, `if let` and macro parameters. None stands for a shape we do not follow.
type Scope<'a> = BTreeMap<&'a str, Option<Shape>>;

/// Walks one part of an email and all it includes.
struct Walker<'a> {
    templates: &'a BTreeMap<String, String>,
    /// The part the walk began at.
    part: &'a str,
    /// The file being walked, and its text.
    file: &'a str,
    source: &'a str,
    scopes: Vec<Scope<'a>>,
    /// Imported files by the name they were given.
    imports: BTreeMap<&'a str, &'a str>,
    depth: usize,
    findings: BTreeSet<Finding>,
    used: BTreeMap<&'static str, (String, Place)>,
    variables: BTreeMap<String, (String, Place)>,
    declared: BTreeMap<Declared, (String, Place)>,
    referral: BTreeSet<(String, Place)>,
    /// What readers of this part see, of what some mails must show.
    shown: BTreeSet<&'static str>,
    /// Names that the tests around this place asked about: what they hold may be absent.
    asked: Vec<&'static str>,
    in_test: bool,
    /// Blocks of the files that extend the one being walked, with how deep those stand.
    blocks: Vec<(&'a str, usize)>,
    /// Within a layout's own text for a block that the email writes itself: nobody reads it.
    replaced: bool,
}

impl<'a> Walker<'a> {
    fn new(templates: &'a BTreeMap<String, String>, part: &'a str) -> Self {
        Self {
            templates,
            part,
            file: part,
            source: "",
            scopes: vec![Scope::new()],
            imports: BTreeMap::new(),
            depth: 0,
            findings: BTreeSet::new(),
            used: BTreeMap::new(),
            variables: BTreeMap::new(),
            declared: BTreeMap::new(),
            referral: BTreeSet::new(),
            shown: BTreeSet::new(),
            asked: Vec::new(),
            in_test: false,
            blocks: Vec::new(),
            replaced: false,
        }
    }

    /// Walks a file from within another; `at` is the place of the reference.
    fn file(&mut self, path: &str, at: Place) {
        self.within(path, at, |walker, ast| {
            let outside = walker.blocks.len();
            let own = ast.nodes().iter().filter_map(|node| match &**node {
                Node::BlockDef(block) => Some(*block.name),
                _ => None,
            });
            let depth = walker.depth;
            walker.blocks.extend(own.map(|name| (name, depth)));
            walker.nodes(ast.nodes());
            walker.blocks.truncate(outside);
        });
    }

    fn within(&mut self, path: &str, at: Place, walk: impl FnOnce(&mut Self, &Ast<'a>)) {
        let Some((file, source)) = self.find(path) else {
            let known: Vec<&str> = self.templates.keys().map(String::as_str).collect();
            let message = format!("there is no template `{path}`{}", hint(path, &known));
            self.report(at, message);
            return;
        };
        if self.depth >= DEPTH_MAX {
            self.report(at, format!("`{path}` includes itself"));
            return;
        }
        let outer = (self.file, self.source);
        (self.file, self.source) = (file, source);
        self.depth += 1;
        match Ast::from_str(source, None, &Syntax::default()) {
            Ok(ast) => walk(self, &ast),
            Err(error) => {
                let said = error.message.as_deref().unwrap_or("this is not a template");
                let said = said.lines().next().unwrap_or_default().to_owned();
                self.report(Place::of_offset(source, error.offset), said);
            }
        }
        self.depth -= 1;
        (self.file, self.source) = outer;
    }

    /// A path is looked up beside the file that names it, then from the top, as askama does.
    fn find(&self, path: &str) -> Option<(&'a str, &'a str)> {
        let folder = self.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside = format!("{folder}/{path}");
        let (file, source) = self
            .templates
            .get_key_value(&beside)
            .or_else(|| self.templates.get_key_value(path))?;
        Some((file, source))
    }

    fn place(&self, span: Span) -> Place {
        span.byte_range()
            .map_or(Place::START, |range| Place::of_offset(self.source, range.start))
    }

    fn report(&mut self, place: Place, message: impl Into<String>) {
        self.findings
            .insert(Finding::at(&format!("{TEMPLATES}/{}", self.file), place, message));
    }

    fn nodes(&mut self, nodes: &[Box<Node<'a>>]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn scoped(&mut self, walk: impl FnOnce(&mut Self)) {
        self.scopes.push(Scope::new());
        walk(self);
        self.scopes.pop();
    }

    fn bind(&mut self, name: &'a str, shape: Option<Shape>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, shape);
        }
    }

    fn node(&mut self, node: &Node<'a>) {
        match node {
            Node::Lit(_)
            | Node::Comment(_)
            | Node::Raw(_)
            | Node::Break(_)
            | Node::Continue(_)
            | Node::Macro(_) => {}
            Node::Expr(_, expr) => {
                self.expr(expr);
            }
            Node::Let(set) => match &set.val {
                LetValueOrBlock::Value(value) => {
                    let shape = self.expr(value);
                    self.target(&set.var, shape);
                }
                LetValueOrBlock::Block { nodes, .. } => {
                    self.nodes(nodes);
                    self.target(&set.var, Some(Shape::Text));
                }
            },
            Node::Compound(compound) => {
                self.operation(&compound.op);
            }
            Node::Declare(declare) => self.bind(*declare.var_name, None),
            Node::If(if_) => {
                // What one arm asked is known in the arms after it too.
                let asked_outside = self.asked.len();
                for branch in &if_.branches {
                    self.scoped(|walker| walker.branch(branch));
                }
                self.asked.truncate(asked_outside);
            }
            Node::Match(match_) => {
                let asked_outside = self.asked.len();
                let shape = self.asking(|walker| walker.expr(&match_.expr));
                for arm in &match_.arms {
                    self.scoped(|walker| {
                        for target in &arm.target {
                            walker.target(target, shape);
                        }
                        walker.nodes(&arm.nodes);
                    });
                }
                self.asked.truncate(asked_outside);
            }
            Node::Loop(loop_) => self.scoped(|walker| walker.loop_(loop_)),
            Node::Extends(extends) => self.file(extends.path, self.place(extends.span())),
            Node::Include(include) => self.file(include.path, self.place(include.span())),
            Node::BlockDef(block) => {
                let outer = self.replaced;
                let is_own = |(name, depth): &(&str, usize)| *name == *block.name && *depth < self.depth;
                self.replaced |= self.blocks.iter().any(is_own);
                self.nodes(&block.nodes);
                self.replaced = outer;
            }
            Node::FilterBlock(block) => self.nodes(&block.nodes),
            Node::Import(import) => match self.find(import.path) {
                Some((file, _)) => {
                    self.imports.insert(import.scope, file);
                }
                None => self.file(import.path, self.place(import.span())),
            },
            Node::Call(call) => self.macro_call(call),
        }
    }

    fn branch(&mut self, branch: &Cond<'a>) {
        if let Some(test) = &branch.cond {
            self.asking(|walker| walker.condition(test));
        }
        self.nodes(&branch.nodes);
    }

    /// Walks a test: what it names is asked about, not shown.
    fn asking<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.in_test, true);
        let found = walk(self);
        self.in_test = outer;
        found
    }

    fn loop_(&mut self, loop_: &Loop<'a>) {
        let asked_outside = self.asked.len();
        // What stands in its `else` is there for when there is nothing.
        let list = if loop_.else_nodes.is_empty() {
            self.expr(&loop_.iter)
        } else {
            self.asking(|walker| walker.expr(&loop_.iter))
        };
        let element = match list {
            Some(Shape::List(element)) => Some(*element),
            Some(
                Shape::Text
                | Shape::Number
                | Shape::Optional(_)
                | Shape::Record(_)
                | Shape::Variables
                | Shape::Declared(..),
            )
            | None => None,
        };
        self.target(&loop_.var, element);
        self.bind("loop", None);
        if let Some(condition) = &loop_.cond {
            self.expr(condition);
        }
        self.nodes(&loop_.body);
        self.nodes(&loop_.else_nodes);
        self.asked.truncate(asked_outside);
    }

    /// Walks the called macro's body with the shapes of the arguments.
    fn macro_call(&mut self, call: &askama_parser::node::Call<'a>) {
        let arguments: Vec<Option<Shape>> = call.args.iter().flatten().map(|arg| self.expr(arg)).collect();
        self.scoped(|walker| {
            for name in &call.caller_args {
                walker.bind(name, None);
            }
            walker.nodes(&call.nodes);
        });
        let name = *call.name;
        let place = self.place(call.name.span());
        let file = match &call.scope {
            Some(scope) => self.imports.get(**scope).copied(),
            None => Some(self.file),
        };
        if let Some(file) = file.filter(|_| self.depth < DEPTH_MAX) {
            self.within(file, place, |walker, ast| {
                let found = ast.nodes().iter().find_map(|node| match &**node {
                    Node::Macro(macro_) if *macro_.name == name => Some(macro_),
                    _ => None,
                });
                if let Some(macro_) = found {
                    walker.macro_body(macro_, &arguments);
                }
            });
        }
    }

    fn macro_body(&mut self, macro_: &Macro<'a>, arguments: &[Option<Shape>]) {
        let outer = std::mem::replace(&mut self.scopes, vec![Scope::new()]);
        self.bind("caller", None);
        for (number, parameter) in macro_.args.iter().enumerate() {
            self.bind(*parameter.name, arguments.get(number).copied().flatten());
        }
        self.nodes(&macro_.nodes);
        self.scopes = outer;
    }

    /// Binds the names of a pattern that a value of `shape` is held against.
    fn target(&mut self, target: &Target<'a>, shape: Option<Shape>) {
        match target {
            Target::Name(name) => self.bind(**name, shape),
            Target::Tuple(tuple) => {
                let some = tuple.0.last().is_some_and(|path| *path.name == "Some");
                for inner in &tuple.1 {
                    let inside = match shape {
                        Some(Shape::Optional(inside)) if some => Some(*inside),
                        _ => None,
                    };
                    self.target(inner, inside);
                }
            }
            Target::Array(targets) | Target::OrChain(targets) => {
                for inner in targets.iter() {
                    self.target(inner, None);
                }
            }
            Target::Struct(named) => {
                for field in &named.1 {
                    self.target(&field.dest, None);
                }
            }
            Target::Rest(name) => {
                if let Some(name) = &**name {
                    self.bind(**name, None);
                }
            }
            Target::NumLit(..)
            | Target::StrLit(_)
            | Target::CharLit(_)
            | Target::BoolLit(_)
            | Target::Path(_)
            | Target::Placeholder(_) => {}
        }
    }

    /// The names at the top that this part can use.
    fn model(&self) -> impl Iterator<Item = &'static (&'static str, Shape)> + use<> {
        let is_subject = self.part.ends_with("/subject.txt");
        MODEL
            .iter()
            .filter(move |(name, _)| !(is_subject && *name == SUBJECT))
    }
}
