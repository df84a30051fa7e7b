// Small comforts of every page. Each of them does without this script, only less quickly.
import "htmx.org";
import { openDialogs } from "./dialog";
import { keepForms } from "./keeping";
import { refreshBoard } from "./board";
import { serveSecrets } from "./secret";

closeMenus();
openDialogs();
keepForms();
serveSecrets();
refreshBoard();
import { closeMenus } from "./menu";
import { keepLastState } from "./offline";

closeMenus();
openDialogs();
keepLastState();
