//! Figures to compare runs by.

mod intervals;
mod panels;
mod pareto;
mod percentiles;
mod plot;
mod random;
mod scale;
mod svg;
mod tables;

pub use intervals::{Interval, bootstrap_mean, bootstrap_median_ratio, wilson};
pub use panels::{Panel, PanelBar, PanelPlot, PanelRow};
pub use pareto::pareto_front;
pub use percentiles::{mean, percentile};
pub use plot::{ParetoPlot, PlotPoint, Series};
pub use tables::{Align, Column, Table};
