// For pages of which a part is replaced by what the hub sends, as their attributes say.
import "htmx.org";
