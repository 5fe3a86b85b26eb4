// Pictures from elsewhere: dropped, pasted, chosen, or taken with the camera.

import { $, make, on } from "./dom.js";

// Each is placed on the pad; failed(code, message) is called when there is none.
export function pictures(pad, failed) {
  const got = async (blob, name) => {
    // TIFF, for one, the service reads and browsers do not.
    const seen = await createImageBitmap(blob).catch(() => null);
    pad.place(blob, name, seen);
  };
  const take = (files) => {
    const file = [...files].find((each) => each.type.startsWith("image/")) ?? files[0];
    if (file) got(file, file.name);
  };
  const input = $("#file");
  on(input, "change", () => {
    take(input.files);
    input.value = ""; // the same file may be chosen again
  });
  on($("#choose"), "click", () => input.click());
  on(document, "paste", (event) => take(event.clipboardData.files));
  on(document, "dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  on(document, "dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  on(document, "drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files);
    else failed("no_picture");
  });
  camera(got, failed);
}

function camera(got, failed) {
  const [film, video] = [$("#film"), $("#film video")];
  on($("#camera"), "click", async () => {
    // Without a secure context there is no live picture, but among the files a phone offers its camera.
    if (!navigator.mediaDevices) return $("#file").click();
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      $("#take").disabled = true; // until there is something to take
      film.showModal();
      await video.play();
      $("#take").disabled = false;
    } catch (error) {
      film.close();
      failed("no_camera", error.message);
    }
  });
  on($("#take"), "click", () => {
    const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => got(blob, "camera.jpg"), "image/jpeg", 0.9);
    film.close();
  });
  on($("#cancel"), "click", () => film.close());
  on(film, "close", () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  });
}
