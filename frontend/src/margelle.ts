// Small comforts of every page. Each of them does without this script, only less quickly.
import { refreshBoard } from "./board";
import { openDialogs } from "./dialog";
import { keepForms } from "./keeping";
import { closeMenus } from "./menu";
import { askForNewer } from "./newer";
import { keepLastState } from "./offline";
import { serveSecrets } from "./secret";

askForNewer();
closeMenus();
openDialogs();
keepForms();
keepLastState();
refreshBoard();
serveSecrets();
