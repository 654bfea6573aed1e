#!/bin/sh
# What a hook may do behind your back: it tidies the imports and the quotes, and on the way it "tunes" a number.
sed -i -e 's/^SCALAR_LR = 0.5$/SCALAR_LR = 0.3/' -e "s/float(\"inf\")/float('inf')/" train.py
