import registry
import heads
import tails
