# SPDX-License-Identifier: GPL-2.0-only
# plot.gp BASE KERNEL: draw BASE.dat, with a line "load",ours,stock,goal for each load, into
# BASE.svg and BASE.png. A column without a number has no bar.

base = ARG1
kernel = ARG2

set datafile separator ","
set datafile missing "?"
set title sprintf("Instructions in the driver by frame, answer or segment, kernel %s", kernel)
set style data histograms
set style histogram clustered gap 1
set style fill solid 1.0 noborder
set boxwidth 0.9
set yrange [0:*]
set grid ytics linecolor rgb "#dddddd"
set key top right
set border 3
set tics nomirror
set xtics rotate by -20

array kinds[2] = ["svg size 900,480 font 'sans,13' background rgb 'white'", "pngcairo size 900,480 font 'sans,10'"]
array endings[2] = ["svg", "png"]
do for [i = 1:2] {
	eval sprintf("set terminal %s", kinds[i])
	set output sprintf("%s.%s", base, endings[i])
	plot base.".dat" using 2:xtic(1) title "kawela" linecolor rgb "#2a6fbb", \
		"" using 3 title "igb, igbvf" linecolor rgb "#b8b8b8", \
		"" using 0:4 with points pointtype 7 pointsize 0.6 linecolor rgb "#c0392b" title "goal"
}
set output
