"""The style sheet of the gate microscope."""

STYLE = """<style>
.maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr));
  gap: 1.2rem 1.6rem; }
.map { margin: 0; display: flex; flex-direction: column; justify-content: flex-end; }
.map figcaption { padding-bottom: .4rem; line-height: 1.4; }
.map .scale { float: right; white-space: nowrap; margin-left: 1em; }
.map .scale img { display: inline; width: 5rem; height: .8em; vertical-align: baseline; }
.map .frame { position: relative; }
.map .frame img { display: block; width: 100%; height: 11rem; }
.crisp { image-rendering: pixelated; }
.map .cursor { position: absolute; top: -4px; bottom: -4px; width: 0; left: var(--cursor, 100%);
  border-left: 2px dashed #f0f; outline: 1px solid rgb(255 255 255 / .6); }
.map .time { display: flex; justify-content: space-between; font-size: .85rem; }
.map .each span { flex: 1; text-align: center; }
.verdict { display: grid; gap: 0 1.6rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.answers, .wide { margin: .6rem 0; }
.answers { display: flex; flex-wrap: wrap; gap: .8rem; }
.answers div { flex: 1 1 5.5rem; border: 2px solid var(--border-color-primary); border-radius: 8px;
  padding: .3rem .6rem; }
.answers b { font-size: 2.2rem; line-height: 1.2; display: block; }
.answers .yes { border-color: #15803d; } .answers .no { border-color: #b91c1c; }
.wide { overflow-x: auto; }
.wide table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wide th, .wide td { padding: .15rem .4rem; text-align: right; }
.wide thead { border-bottom: 1px solid var(--border-color-primary); }
.pad canvas { display: block; width: 100%; max-width: 30rem; aspect-ratio: 1; background: #fff;
  border: 2px solid var(--border-color-primary); border-radius: 8px; touch-action: none;
  cursor: crosshair; }
.pad button { margin-top: .5rem; padding: .3rem 1rem; border-radius: 6px;
  border: 1px solid var(--border-color-primary);
  background: var(--button-secondary-background-fill);
  color: var(--button-secondary-text-color); }
.wide .bars { width: 100%; }
.wide .bars td { width: 48%; }
.wide .bars td, .wide .bars thead th { text-align: left; }
.seen { margin: 0; }
.seen img { width: 11rem; image-rendering: pixelated; border: 1px solid gray; }
@media (max-width: 600px) {
  .wide th, .wide td { padding: .1rem .15rem; font-size: .8rem; }
}
</style>"""
