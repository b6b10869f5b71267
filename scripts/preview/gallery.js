// The gallery's page: cards by stage, switches that all of them obey, and one email large. What is chosen stands in the address, so
// that a link shows the same. Mails are drawn from what the page brings with it, in frames that run no scripts.

const { store, locale: own, mails, stages, pictures } = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const el = (name, props = {}, ...inside) => {
  const made = Object.assign(document.createElement(name), props);
  made.append(...inside);
  return made;
};

const LANGUAGES = [...new Set(mails.map(({ locale }) => locale))];
/** What its readers call the language. */
const name = (tag) => {
  const own = new Intl.DisplayNames([tag], { type: "language" }).of(tag.split("-")[0]);
  return own[0].toLocaleUpperCase(tag) + own.slice(1);
};
const SWITCHES = {
  locale: { title: "Language", choices: LANGUAGES.map((tag) => [tag, name(tag)]) },
  width: { title: "Width", choices: [["phone", "Phone"], ["desktop", "Desktop"]] },
  side: { title: "Light or dark", choices: [["light", "Light"], ["dark", "Dark"]] },
  part: { title: "Part", choices: [["html", "HTML"], ["text", "Text"]] },
  images: { title: "Images", choices: [["on", "Images"], ["off", "No images"]] },
};
const WIDTHS = { phone: { px: 375, tall: 780, card: 250 }, desktop: { px: 700, tall: 700, card: 380 } };
const PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

const said = new URLSearchParams(location.hash.slice(1));
const chosen = Object.fromEntries(Object.entries(SWITCHES).map(([key, { choices }]) => {
  const known = choices.some(([value]) => value === said.get(key));
  return [key, known ? said.get(key) : choices[0][0]];
}));
let open = said.get("mail");
const isSheet = said.has("sheet");

/** The mail in the chosen language, or as who reads it gets it where there is no translation. */
function inLanguage(email) {
  const of = mails.filter((mail) => mail.email === email);
  return of.find(({ locale }) => locale === chosen.locale) ?? of.find(({ locale }) => locale === own) ?? of[0];
}

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** The mail as a page of its own: a side is forced, samples of pictures are put in, and links open elsewhere. */
function page(mail, { side, part, images }) {
  if (part === "text") {
    const [ground, ink] = side === "dark" ? ["#161513", "#f1eee8"] : ["#ffffff", "#23211d"];
    return `<!doctype html><body style="margin:0;padding:20px;background:${ground};color:${ink}"><pre style="margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.55 ui-monospace,Menlo,Consolas,monospace">${escaped(mail.text)}</pre>`;
  }
  return mail.html
    .replace(/\(prefers-color-scheme: dark\)/g, side === "dark" ? "all" : "not all")
    .replace(/color-scheme: light dark/g, `color-scheme: ${side}`)
    .replace(/content="light dark"/g, `content="${side}"`)
    .replace("<head>", '<head><base target="_blank">')
    .replace(/(<img[^>]*\ssrc=")([^"]*)"/g, (_, before, src) => {
      const sample = pictures[src.split("/").at(-1).split(".")[0]];
      return `${before}${images === "off" ? PIXEL : sample ?? src}"`;
    });
}

function frame(mail, width, how) {
  const made = el("iframe", { title: `${mail.email}, ${how.side}`, width: width.px, height: width.tall, tabIndex: -1 });
  made.sandbox = "allow-same-origin allow-popups";
  made.scrolling = "no";
  return made;
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    draw(target);
  }
}, { rootMargin: "600px" });

function draw(shot) {
  const mail = inLanguage(shot.dataset.email);
  const width = WIDTHS[chosen.width];
  const made = frame(mail, width, chosen);
  made.srcdoc = page(mail, chosen);
  made.style.transform = `scale(${shot.clientWidth / width.px})`;
  shot.replaceChildren(made);
}

function card(email) {
  const mail = inLanguage(email);
  const shot = el("button", { className: "shot", type: "button", onclick: () => show(email) });
  shot.dataset.email = email;
  shot.setAttribute("aria-label", `${mail.subject}: look at it large`);
  const drafted = mail.journeys.every(({ status }) => status === "draft");
  const meta = el("ul", { className: "meta" },
    el("li", {}, el("code", { textContent: email })),
    el("li", { textContent: mail.stream }),
    ...(drafted ? [el("li", { textContent: "draft" })] : []),
    ...(mail.locale === chosen.locale ? [] : [el("li", { textContent: `not in ${name(chosen.locale)}` })]),
    el("li", {}, el("a", { href: mail.file, target: "_blank", textContent: "alone" })),
    el("li", {}, el("a", { href: mail.textFile, target: "_blank", textContent: "text" })));
  const title = el("h3", { textContent: mail.subject, lang: mail.locale });
  const preheader = el("p", { className: "pre", textContent: mail.preheader, lang: mail.locale });
  return el("article", { id: email }, shot, title, preheader, meta);
}

function cards() {
  seen.disconnect();
  const width = WIDTHS[chosen.width];
  const wanted = at("find").value.trim().toLowerCase();
  const matches = (email) => {
    const { subject, preheader, text } = inLanguage(email);
    return [email, subject, preheader, text].some((words) => words.toLowerCase().includes(wanted));
  };
  const sections = stages.map(({ id, title, about, emails }) => {
    const found = emails.filter(matches);
    if (found.length === 0) return [];
    const grid = el("div", { className: "grid" }, ...found.map(card));
    grid.style.setProperty("--wide", `${width.card}px`);
    grid.style.setProperty("--ratio", `${width.px} / ${width.tall}`);
    return [el("section", { id: `stage-${id}` }, el("h2", { textContent: title }), el("p", { className: "about", textContent: about }), grid)];
  }).flat();
  at("all").replaceChildren(...(sections.length > 0 ? sections : [el("p", { className: "none", textContent: "No email says that." })]));
  for (const shot of document.querySelectorAll(".shot")) isSheet ? draw(shot) : seen.observe(shot);
}

/** One email large: on a phone in the light and in the dark, and on a desktop. */
function show(email) {
  open = email;
  remember();
  const mail = inLanguage(email);
  at("subject").textContent = mail.subject;
  at("preheader").textContent = mail.preheader;
  const sentBy = mail.journeys.map(({ title }) => title).join(", ");
  at("about").textContent = [mail.email, mail.stream, sentBy].filter(Boolean).join(" · ");
  at("alone").href = mail.file;
  at("text").href = mail.textFile;
  const panes = [["phone", "light"], ["phone", "dark"], ["desktop", "light"], ["desktop", "dark"]].map(([width, side]) => {
    const how = { ...chosen, side };
    const made = frame(mail, WIDTHS[width], how);
    made.onload = () => { made.height = made.contentDocument.documentElement.scrollHeight; };
    made.srcdoc = page(mail, how);
    return el("figure", {}, el("figcaption", { textContent: `${width === "phone" ? "Phone" : "Desktop"}, ${side}` }), made);
  });
  at("panes").replaceChildren(...panes);
  at("panes").scrollTo(0, 0);
  if (!at("one").open) at("one").showModal();
}

function step(by) {
  const order = stages.flatMap(({ emails }) => emails);
  show(order[(order.indexOf(open) + by + order.length) % order.length]);
}

function remember() {
  const hash = new URLSearchParams({ ...chosen, ...(open ? { mail: open } : {}), ...(isSheet ? { sheet: 1 } : {}) });
  history.replaceState(null, "", `#${hash}`);
}

function switches() {
  return Object.entries(SWITCHES).filter(([, { choices }]) => choices.length > 1).map(([key, { title, choices }]) => {
    const group = el("fieldset", {}, ...choices.map(([value, label]) => {
      const input = el("input", { type: "radio", name: key, value, checked: chosen[key] === value });
      input.onchange = () => {
        chosen[key] = value;
        remember();
        cards();
      };
      return el("label", {}, input, el("span", { textContent: label }));
    }));
    group.setAttribute("aria-label", title);
    return group;
  });
}

document.title = `Emails of ${store}`;
document.body.classList.toggle("sheet", isSheet);
at("store").textContent = store;
at("count").textContent = `${new Set(mails.map(({ email }) => email)).size} emails`;
at("switches").replaceChildren(...switches());
at("stages").replaceChildren(...stages.map(({ id, title, emails }) => {
  const link = el("a", { href: `#stage-${id}`, textContent: `${title} ${emails.length}` });
  link.onclick = (event) => {
    event.preventDefault();
    at(`stage-${id}`)?.scrollIntoView({ behavior: "smooth" });
  };
  return link;
}));
at("find").oninput = cards;
at("before").onclick = () => step(-1);
at("after").onclick = () => step(1);
at("close").onclick = () => at("one").close();
at("one").onclose = () => {
  open = null;
  remember();
};
at("one").onkeydown = ({ key }) => {
  if (key === "ArrowLeft") step(-1);
  if (key === "ArrowRight") step(1);
};
addEventListener("resize", () => {
  for (const shot of document.querySelectorAll(".shot")) {
    if (shot.firstElementChild) shot.firstElementChild.style.transform = `scale(${shot.clientWidth / WIDTHS[chosen.width].px})`;
  }
});
/** For pictures: nothing but one mail, as wide as the window. */
function alone(email) {
  const parsed = new DOMParser().parseFromString(page(inLanguage(email), chosen), "text/html");
  document.replaceChild(document.adoptNode(parsed.documentElement), document.documentElement);
}

const only = mails.find(({ email }) => email === said.get("only"));
if (only) alone(only.email);
else cards();
if (open && mails.some(({ email }) => email === open)) show(open);

// `npm run preview` serves this page, and renders anew when a template changes; a file on the disk just stays as it is.
if (location.protocol.startsWith("http") && !only) {
  let version;
  setInterval(async () => {
    const now = await fetch("version").then((answer) => answer.text()).catch(() => version);
    if (version && now !== version) location.reload();
    version = now;
  }, 1000);
}
