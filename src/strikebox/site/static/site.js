// What the site does beyond its forms and links. Without it everything still works.
"use strict";

// A form that costs something is sent once.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 4000);
  });
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
    if (now.picture) return location.replace(now.picture);
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
