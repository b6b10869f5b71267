// Tells Wend what a visitor looks at, puts into the cart and begins to check out: see docs/segment-api.md.
//
//   <script defer src="/snippet.js" data-host="https://wend.example.workers.dev" data-key="<SEGMENT_PUBLIC_KEY>"></script>
//
// Nothing is kept in the browser and nothing is sent before the visitor agreed: `wend.consent(true)`, or
// `data-consent="granted"` on the script. There is no cookie; the visitor's id lies in localStorage until
// `wend.consent(false)`.
(function (w, d) {
  var NAME = "wend_id", given = d.currentScript.dataset, granted = false, waiting = [], store = {};
  try { store = w.localStorage; } catch (e) { /* forbidden: the id then lives as long as the page */ }

  function random() {
    return Array.from(w.crypto.getRandomValues(new Uint8Array(16)), function (byte) {
      return (byte + 256).toString(16).slice(1);
    }).join("");
  }

  /** The visitor's id, once they agreed. Have it sent with sign-in, signup and checkout: your server says whose it is. */
  function id() {
    if (!granted) return "";
    try { return store[NAME] || (store[NAME] = random()); } catch (e) { return (store = {})[NAME] = random(); }
  }

  function post(call, attempt) {
    call.sentAt = new Date().toISOString();
    // Plain text asks the browser for no preflight; `keepalive` outlives the page.
    w.fetch(given.host + "/v1/track", {
      method: "POST", body: JSON.stringify(call), headers: { "content-type": "text/plain" }, keepalive: true, credentials: "omit",
    }).then(function (answer) { if (answer.status > 499) throw answer; }).catch(function () {
      if (attempt < 3) w.setTimeout(post, attempt * 2000, call, attempt + 1);
    });
  }

  function track(event, properties) {
    var call = {
      type: "track", event: event, properties: properties, messageId: random(), timestamp: new Date().toISOString(), writeKey: given.key,
    };
    if (granted) { call.anonymousId = id(); post(call, 1); } else waiting.push(call);
  }

  function consent(yes) {
    granted = yes;
    if (!yes) { waiting = []; try { store.removeItem(NAME); } catch (e) { store = {}; } }
    d.querySelectorAll("[data-wend-id]").forEach(function (field) { field.value = id(); });
    if (yes) waiting.splice(0).forEach(function (call) { call.anonymousId = id(); post(call, 1); });
  }

  function told(element, name) { return JSON.parse(element.getAttribute(name)); }

  w.wend = { track: track, consent: consent, id: id };
  d.querySelectorAll("[data-wend-viewed]").forEach(function (e) { track("Product Viewed", told(e, "data-wend-viewed")); });
  d.querySelectorAll("[data-wend-checkout]").forEach(function (e) { track("Checkout Started", told(e, "data-wend-checkout")); });
  d.addEventListener("click", function (event) {
    var e = event.target.closest && event.target.closest("[data-wend-added]");
    if (e) track("Product Added", told(e, "data-wend-added"));
  }, true);
  if (given.consent === "granted") consent(true);
})(window, document);
