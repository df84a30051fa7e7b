// Small comforts of every page. Each of them does without this script, only less quickly.
import "htmx.org";
import { closeMenus } from "./menu";
import { openDialogs } from "./dialog";
import { keepForms } from "./keeping";
import { refreshBoard } from "./board";
import { serveSecrets } from "./secret";

closeMenus();
openDialogs();
keepForms();
serveSecrets();
refreshBoard();
