// The small-file form with scripts: drop files, see the list, take one out, watch the bytes leave.
// Without this module the same form sends the same files.

class UploadList extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form");
    this.input = this.querySelector("input[type=file]");
    this.list = this.querySelector("[data-list]");
    this.drop = this.querySelector(".drop");
    this.input.addEventListener("change", () => this.draw());
    for (const name of ["dragenter", "dragover"]) this.drop.addEventListener(name, (event) => this.over(event, true));
    for (const name of ["dragleave", "drop"]) this.drop.addEventListener(name, (event) => this.over(event, false));
    this.drop.addEventListener("drop", (event) => this.take([...this.input.files, ...event.dataTransfer.files]));
    this.form.addEventListener("submit", (event) => this.send(event));
  }

  over(event, isOver) {
    event.preventDefault();
    this.drop.classList.toggle("over", isOver);
  }

  take(files) {
    const kept = new DataTransfer();
    const byName = new Map(files.map((file) => [file.name, file]));
    for (const file of byName.values()) kept.items.add(file);
    this.input.files = kept.files;
    this.draw();
  }

  draw() {
    const files = [...this.input.files];
    this.list.replaceChildren(...files.map((file) => this.row(file, files)));
  }

  row(file, files) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.className = "id";
    name.textContent = file.name;
    const size = document.createElement("span");
    size.className = "muted small";
    size.textContent = sizeText(file.size);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "button quiet small row-end";
    remove.textContent = this.dataset.left;
    remove.setAttribute("aria-label", `${this.dataset.left} ${file.name}`);
    remove.addEventListener("click", () => this.take(files.filter((other) => other !== file)));
    row.append(name, size, remove);
    return row;
  }

  send(event) {
    event.preventDefault();
    const box = this.querySelector("[data-progress]");
    const words = box.querySelector("p");
    const request = new XMLHttpRequest();
    box.hidden = false;
    for (const button of this.form.querySelectorAll("button")) button.disabled = true;
    request.upload.addEventListener("progress", (moved) => {
      if (!moved.lengthComputable) return;
      box.querySelector("progress").value = (100 * moved.loaded) / moved.total;
      words.textContent = this.dataset.of
        .replace("{done}", sizeText(moved.loaded)).replace("{total}", sizeText(moved.total));
    });
    request.addEventListener("load", () => this.arrived(request));
    request.addEventListener("error", () => {
      words.textContent = this.dataset.failed;
      for (const button of this.form.querySelectorAll("button")) button.disabled = false;
    });
    request.open("POST", this.form.action);
    request.send(new FormData(this.form));
  }

  arrived(request) {
    if (request.responseURL !== location.href) {
      location.assign(request.responseURL);
      return;
    }
    // The form came back with what is wrong: show that page, keep the chosen files.
    const files = this.input.files;
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    document.querySelector("#main").replaceWith(document.adoptNode(page.querySelector("#main")));
    const input = document.querySelector("upload-list input[type=file]");
    if (input) { input.files = files; input.closest("upload-list").draw(); }
    document.querySelector("#form-errors")?.scrollIntoView();
  }
}

function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${["B", "kB", "MB", "GB"][power]}`;
}

customElements.define("upload-list", UploadList);
