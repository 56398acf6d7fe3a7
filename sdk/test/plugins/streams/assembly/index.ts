/* Every part of the SDK that is about streams: one plugin per topic. */
import "./attributes";
import "./bodies";
import "./foreign";
import "./tcp";
import "./vm";
