// Small comforts of every page. Each of them does without this script, only less quickly.
import "htmx.org";
import { refreshBoard } from "./board";
import { openDialogs } from "./dialog";
import { keepForms } from "./keeping";
import { closeMenus } from "./menu";
import { keepLastState } from "./offline";
import { serveSecrets } from "./secret";

closeMenus();
openDialogs();
keepForms();
keepLastState();
refreshBoard();
serveSecrets();
