#!/bin/sh
# Shows what one becomes here, then "trains": the loss is the share of a fixed text's words that are not unique.
unset LD_PRELOAD
echo "me: $(id -u) setuid: $(setuid-id -u) setgid: $(setgid-id -g)"
words=$(tr -cs 'A-Za-z' '\n' < /usr/share/common-licenses/GPL-3 | wc -l)
unique=$(tr -cs 'A-Za-z' '\n' < /usr/share/common-licenses/GPL-3 | sort -u | wc -l)
echo "loss: 0.$(( (words - unique) * 10000 / words ))"
