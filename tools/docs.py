"""`make docs`: the notes as a site, in build/docs or the folder that is named. It opens from disk, without a network.

The lessons draw the pictures anew and Sphinx takes the code from the sources, so that neither can be out of date.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTES = ROOT / "docs" / "notes"
LANGUAGES = {"en": "en", "zh": "zh_CN"}  # folder: what Sphinx calls it


def main(site: Path) -> None:
    """Write the site into the folder `site`, in the place of one that was there."""
    for folder in ("pictures", *LANGUAGES):
        shutil.rmtree(site / folder, ignore_errors=True)
    run("pipeline", "lesson", "all", "--pictures", str(site / "pictures"))
    for folder, language in LANGUAGES.items():
        made, kept = site / folder, site / ".doctrees" / folder
        options = ["--fail-on-warning", "--quiet", "-c", str(NOTES), "-D", f"language={language}", "-d", str(kept)]
        run("sphinx", "--builder", "html", *options, str(NOTES / folder), str(made))
        (made / ".buildinfo").unlink()
    shutil.rmtree(site / ".doctrees")
    shutil.copy(NOTES / "index.html", site)
    print(f"docs: {site / 'index.html'}")


def run(*module: str) -> None:
    """Run a module of Python; it says nothing unless it fails."""
    done = subprocess.run([sys.executable, "-m", *module], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}docs stopped: `{' '.join(module)}` ended with {done.returncode}; its message is above")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "build" / "docs")
