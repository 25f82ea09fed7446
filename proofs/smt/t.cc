#include <z3.h>
#include <rapidcheck.h>
int main(){ return rc::check("x",[](int a){ RC_ASSERT(a==a);})?0:1; }
