// Small comforts of every page. Each of them does without this script, only less quickly.
import "htmx.org";
import { openDialogs } from "./dialog";
import { closeMenus } from "./menu";
import { keepLastState } from "./offline";

closeMenus();
openDialogs();
keepLastState();
