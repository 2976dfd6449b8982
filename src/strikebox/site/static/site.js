// What the site does beyond its forms and links. Without it everything still works.
"use strict";

// A form that costs something is sent once, and brings a solved challenge where one is asked for.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", async (event) => {
    const proof = form.elements.altcha;
    if (form.dataset.sent || proof) event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 4000);
    if (!proof) return;
    const said = document.getElementById("proof");
    said.hidden = false;
    proof.value = await solved();
    if (event.submitter?.name) form.append(hidden(event.submitter));
    form.submit();
  });
}

function hidden(button) {
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: button.name, value: button.value });
  return field;
}

// The number below maxnumber for which SHA-256(salt + number) is the challenge (altcha.org).
async function solved() {
  const { algorithm, challenge, maxnumber, salt, signature } = await (await fetch("/api/v1/challenge")).json();
  for (let number = 0; number <= maxnumber; number++) {
    if (number % 2000 === 0) await new Promise((go) => setTimeout(go));
    if (sha256(salt + number) === challenge) return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
  }
  return "";
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const words = button.textContent;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = words; }, 2000);
  });
}

// A picture being made: each event says how it stands. The browser comes back by itself, with Last-Event-ID.
const job = document.getElementById("job");
if (job?.dataset.events) {
  const part = (id) => document.getElementById(id);
  const say = (id, words) => { if (part(id).textContent !== words) part(id).textContent = words; };
  const show = (id, shown) => part(id).setAttribute("visibility", shown ? "visible" : "hidden");
  const events = new EventSource(job.dataset.events);

  const draw = (now) => {
    // The page itself knows where to go on: to the picture, or to why there is none.
    if (now.final) return location.reload();
    say("state", now.headline);
    say("time", now.time);
    say("detail", now.detail);
    part("progress").value = now.done;
    part("burnt").setAttribute("width", now.burnt);
    part("flame").setAttribute("transform", `translate(${now.burnt} 0)`);
    show("flame", now.state === "running");
    show("tip", now.state === "waiting");
    if (now.preview && part("preview").getAttribute("src") !== now.preview) {
      part("preview").src = now.preview;
      part("preview").hidden = false;
      part("empty")?.remove();
      part("label").hidden = false;
    }
  };
  events.onmessage = (event) => {
    const now = JSON.parse(event.data);
    if (now.final) events.close();
    draw(now);
  };
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
    else say("detail", job.dataset.lost);
  };
}
