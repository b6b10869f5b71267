// What each email API wants to find in the DNS of the sender's domain, as far as its documentation says so for every
// account. Where records differ from account to account, the API's own dashboard is the place to look.
//
// `envelope`: the subdomain that bounces go to, whose SPF counts ("" is the domain itself). `include`: what its SPF must
// name. `dkim`: the selectors of its keys.

export const SENDERS = {
  resend: {
    // Its example of an answer has keys with random names.
    envelope: "send", include: "amazonses.com", dkim: [],
    page: "https://resend.com/docs/api-reference/domains",
  },
  // Without the CNAME its mails come from Postmark's own domain, and DKIM alone proves them.
  postmark: { envelope: "pm-bounces", dkim: [], page: "https://postmarkapp.com/blog/introducing-full-dmarc-support-with-custom" },
  sendgrid: {
    // With automated security, which is on unless it is turned off; a custom selector is another name.
    dkim: ["s1", "s2"],
    page: "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/how-to-set-up-domain-authentication",
  },
  mailgun: {
    envelope: "", include: "mailgun.org", dkim: [],
    page: "https://documentation.mailgun.com/docs/mailgun/user-manual/domains/domains-verify",
  },
  ses: { dkim: [], page: "https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html" },
  brevo: { dkim: [], page: "https://help.brevo.com/hc/en-us/articles/17286219877778" },
  sparkpost: { dkim: [], page: "https://support.sparkpost.com/docs" },
  mailtrap: { dkim: [], page: "https://docs.mailtrap.io/email-api-smtp/setup/sending-domain" },
  cloudflare_email: {
    envelope: "cf-bounce", include: "_spf.mx.cloudflare.net", dkim: [],
    page: "https://developers.cloudflare.com/email-service/concepts/email-authentication/",
  },
  unisender_go: { dkim: [], page: "https://godocs.unisender.ru/web-api-ref" },
  dashamail: { dkim: [], page: "https://dashamail.ru" },
};
