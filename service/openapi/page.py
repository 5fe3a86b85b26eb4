"""GET / and what the page is made of."""

from service.config import Config
from service.errors import NoSuchFile
from service.openapi.operation import IF_NONE_MATCH, Described, Operation, Part, kept, parameter, text
from service.routes.page import LANGUAGES, STATIC, TYPES

LANGUAGE = parameter("lang", "query", text(), f"{' or '.join(LANGUAGES)}; else what Accept-Language likes best")
ICON = {TYPES[".svg"]: {"schema": text()}}


def described(config: Config) -> Described:
    page = Operation(
        "page",
        "page",
        "Draw, and see what the network sees",
        kept("A page", {"text/html": {"schema": text()}}),
        parameters=(LANGUAGE, IF_NONE_MATCH),
    )
    kinds: Part = {kind.partition(";")[0]: {"schema": {}} for kind in TYPES.values()}
    names = sorted(entry.name for entry in STATIC.iterdir() if entry.is_file())
    file = Operation(
        "pageFile",
        "page",
        "A file of the page",
        kept("As its name says", kinds),
        (NoSuchFile,),
        (parameter("file", "path", text(enum=names), "Its name"), IF_NONE_MATCH),
    )
    icon = Operation("icon", "page", "What a browser shows beside the name", kept("SVG", ICON), (), (IF_NONE_MATCH,))
    return Described({"/": {"get": page}, "/static/{file}": {"get": file}, "/favicon.ico": {"get": icon}})
