// Passkeys: the browser asks a device what the server wants to know. Without scripts, or where a browser
// has no passkeys (an address without https, say), the forms stay hidden and the codes remain.

async function answerOf(form) {
  const question = JSON.parse(form.dataset.question);
  if (form.dataset.passkey === "create") {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(question);
    return navigator.credentials.create({ publicKey });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question) });
}

async function send(event) {
  event.preventDefault();
  const form = event.target;
  try {
    const answer = await answerOf(form);
    form.elements.credential.value = JSON.stringify(answer.toJSON());
    form.submit();
  } catch {
    form.querySelector("[role=status]").textContent = form.dataset.failed;
  }
}

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", send);
  }
}
