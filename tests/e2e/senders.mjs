// What providers of email post to /delivery/<provider>, as their own documentation shows it, and signed as they sign it.
//
// Used by feedback.test.mjs. Nothing here is shared with the code under test: every signature is made with node:crypto.
// Sources: docs.svix.com/receiving/verifying-payloads/how-manual, resend.com/docs/dashboard/webhooks/event-types;
// twilio.com/docs/sendgrid/for-developers/tracking-events; docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message
// and /ses/latest/dg/event-publishing-retrieving-sns-examples; postmarkapp.com/developer/webhooks.

import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";

const LINK = "https://northfold.example/collections/all";
const BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const seconds = (at) => Math.floor(at.getTime() / 1000);

// ---- Resend ----

const SVIX_KEY = Buffer.from("a-secret-of-the-tests-of-resend!");

const resend = {
  name: "resend",
  settings: { RESEND_WEBHOOK_SECRET: `whsec_${SVIX_KEY.toString("base64")}` },
  /** One event a post. `facts`: the message's id, the recipient, when it happened. */
  body(kind, { message, email, at }) {
    const type = { delivered: "email.delivered", opened: "email.opened", clicked: "email.clicked", bounced: "email.bounced" }[kind];
    const seen = { ipAddress: "192.0.2.7", timestamp: at.toISOString(), userAgent: BROWSER };
    const data = {
      created_at: at.toISOString(),
      email_id: randomUUID(),
      from: "Northfold <hello@northfold.example>",
      to: [email],
      subject: "Hello",
      tags: { message },
      ...(kind === "clicked" && { click: { ...seen, link: LINK } }),
      ...(kind === "opened" && { open: seen }),
      ...(kind === "bounced" && { bounce: { type: "Permanent", subType: "General", message: "No such user" } }),
    };
    return JSON.stringify({ type, created_at: at.toISOString(), data });
  },
  headers(body, { now, id = `msg_${randomUUID()}`, key = SVIX_KEY }) {
    const timestamp = String(seconds(now));
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
    return { "svix-id": id, "svix-timestamp": timestamp, "svix-signature": `v1,${signature}` };
  },
  forged: { key: Buffer.from("another-secret-of-somebody-else!") },
};

// ---- SendGrid ----

const curve = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const sendgridKey = curve();

const sendgridEvent = (kind, { message, email, at, id = randomUUID() }) => ({
  email,
  timestamp: seconds(at),
  event: { delivered: "delivered", opened: "open", clicked: "click", bounced: "bounce" }[kind],
  sg_event_id: id,
  sg_message_id: "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
  wend_message: message,
  useragent: ["opened", "clicked"].includes(kind) ? BROWSER : undefined,
  url: kind === "clicked" ? LINK : undefined,
  ...(kind === "bounced" && { type: "bounce", status: "5.1.1", reason: "550 5.1.1 no such user" }),
});

const sendgrid = {
  name: "sendgrid",
  settings: { SENDGRID_WEBHOOK_PUBLIC_KEY: sendgridKey.publicKey.export({ type: "spki", format: "der" }).toString("base64") },
  body: (kind, facts) => JSON.stringify([sendgridEvent(kind, facts)]),
  headers(body, { now, key = sendgridKey.privateKey }) {
    const timestamp = String(seconds(now));
    return {
      "x-twilio-email-event-webhook-signature": sign("sha256", Buffer.from(timestamp + body), key).toString("base64"),
      "x-twilio-email-event-webhook-timestamp": timestamp,
    };
  },
  forged: { key: curve().privateKey },
  event: sendgridEvent,
};

// ---- Amazon SES, by SNS ----

const TOPIC = "arn:aws:sns:eu-west-1:123456789012:wend-events";
const SNS = "https://sns.eu-west-1.amazonaws.com/";
const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
const snsKey = rsa();

/** DER: a tag, the length, the parts. */
function der(tag, ...parts) {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

/** A certificate that its own key signed (RFC 5280 §4.1), in PEM. */
function certificate({ publicKey, privateKey }) {
  const sequence = (...parts) => der(0x30, ...parts);
  const rsaSha256 = sequence(der(0x06, Buffer.from("2a864886f70d01010b", "hex")), der(0x05));
  const commonName = sequence(der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from("sns.amazonaws.com")));
  const name = sequence(der(0x31, commonName));
  const time = (text) => der(0x17, Buffer.from(text));
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    rsaSha256,
    name,
    sequence(time("250101000000Z"), time("350101000000Z")),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const proof = der(0x03, Buffer.from([0]), sign("sha256", signed, privateKey));
  const lines = sequence(signed, rsaSha256, proof).toString("base64").match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** A message of SNS, with its signature in the body. */
function snsBody(fields, { key = snsKey.privateKey, version = "2" } = {}) {
  const message = {
    MessageId: randomUUID(),
    TopicArn: TOPIC,
    SignatureVersion: version,
    SigningCertURL: `${SNS}SimpleNotificationService-0001.pem`,
    ...fields,
  };
  const names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
  const text = names.filter((name) => name in message).map((name) => `${name}\n${message[name]}\n`).join("");
  const signature = sign(version === "1" ? "sha1" : "sha256", Buffer.from(text), key).toString("base64");
  return JSON.stringify({ ...message, Signature: signature });
}

function sesEvent(kind, { message, email, at }) {
  const eventType = { delivered: "Delivery", opened: "Open", clicked: "Click", bounced: "Bounce" }[kind];
  const timestamp = at.toISOString();
  const told = {
    delivered: { delivery: { timestamp, recipients: [email], smtpResponse: "250 ok" } },
    opened: { open: { timestamp, userAgent: BROWSER } },
    clicked: { click: { timestamp, userAgent: BROWSER, link: LINK } },
    bounced: { bounce: { timestamp, bounceType: "Permanent", bounceSubType: "General", bouncedRecipients: [{ emailAddress: email }] } },
  }[kind];
  const mail = { timestamp, messageId: "0102018f-1", destination: [email], tags: { message: [message] } };
  return { eventType, mail, ...told };
}

const ses = {
  name: "ses",
  settings: { SES_SNS_TOPIC_ARN: TOPIC },
  body: (kind, facts, signing) => snsBody({
    Type: "Notification",
    Timestamp: facts.at.toISOString(),
    Message: JSON.stringify(sesEvent(kind, facts)),
  }, signing),
  headers: () => ({ "content-type": "text/plain; charset=UTF-8", "x-amz-sns-topic-arn": TOPIC }),
  forged: { key: rsa().privateKey },
  /** What SNS posts when the address is subscribed to the topic. */
  subscription: ({ at, ...fields }, signing) => snsBody({
    Type: "SubscriptionConfirmation",
    Timestamp: at.toISOString(),
    Token: "2336412f37",
    Message: "You have chosen to subscribe to the topic.",
    SubscribeURL: `${SNS}?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`,
    ...fields,
  }, signing),
  /** What stands at the addresses of SNS. */
  answers: (url) => (url.startsWith(SNS) ? new Response(url.endsWith(".pem") ? certificate(snsKey) : "<ConfirmSubscriptionResponse/>") : undefined),
};

// ---- Postmark ----

const postmark = {
  name: "postmark",
  settings: { POSTMARK_WEBHOOK_AUTH: "wend:a-password-of-the-tests" },
  body(kind, { message, email, at }) {
    const time = at.toISOString();
    const told = {
      delivered: { RecordType: "Delivery", Recipient: email, DeliveredAt: time },
      opened: { RecordType: "Open", Recipient: email, ReceivedAt: time, FirstOpen: true, UserAgent: BROWSER },
      clicked: { RecordType: "Click", Recipient: email, ReceivedAt: time, OriginalLink: LINK, UserAgent: BROWSER },
      bounced: { RecordType: "Bounce", Email: email, BouncedAt: time, ID: 4323372036854775807n.toString(), Type: "HardBounce", TypeCode: 1 },
    }[kind];
    return JSON.stringify({ ...told, MessageID: "883953f4-6105-42a2-a16a-77a8eac79483", MessageStream: "outbound", Metadata: { message } });
  },
  headers: (body, { credentials = "wend:a-password-of-the-tests" }) => ({
    authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
  }),
  forged: { credentials: "wend:guessed" },
};

export const SENDERS = { resend, sendgrid, ses, postmark };
