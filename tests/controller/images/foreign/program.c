/* All that some images hold. */
#include <stdio.h>

int main(void) {
    puts("the image's own program");
    return 0;
}
