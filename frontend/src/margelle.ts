// Small comforts of every page. Each of them does without this script, only less quickly.
import "htmx.org";
import { closeMenus } from "./menu";
import { openDialogs } from "./dialog";

closeMenus();
openDialogs();
